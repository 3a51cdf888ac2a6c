/*
** ssh_test.c - SSH: banners, key exchange in the clear, then one message up to the close.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COOKIE "00112233445566778899aabbccddeeff"
#define KEX(kex)                                                                                                                           \
    "14" COOKIE "[4'" kex "'][4'ssh-ed25519'][4'aes128-ctr'][4'aes256-ctr'][4'hmac-sha1'][4'hmac-md5'][4'none'][4'zlib'][4][4] 00 "        \
    "00000000"

/* Packets are filled up to a multiple of 8 with at least 4 bytes. */
static void say_packet(tl_script *s, tl_dir dir, const char *hex)
{
    tl_script payload = {0};
    tl_say_hex(&payload, dir, hex);
    uint8_t bytes[1024] = {0};
    size_t n = payload.events[0].bytes.n, padding = 4 + (8 - (5 + n + 4) % 8) % 8;
    size_t length = 1 + n + padding;
    bytes[2] = (uint8_t)(length >> 8);
    bytes[3] = (uint8_t)length;
    bytes[4] = (uint8_t)padding;
    memcpy(bytes + 5, payload.events[0].bytes.p, n);
    tl_say_bytes(s, dir, bytes, 4 + length);
    tl_script_free(&payload);
}

static tl_script session(void)
{
    tl_script s = {.port = 22};
    tl_say(&s, TL_S2C, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
    tl_say(&s, TL_C2S, "SSH-2.0-PuTTY\r\n");
    say_packet(&s, TL_C2S, KEX("curve25519-sha256"));
    say_packet(&s, TL_S2C, KEX("curve25519-sha256,ecdh-sha2-nistp256"));
    say_packet(&s, TL_C2S, "1e [4'public key']");
    say_packet(&s, TL_S2C, "1f [4 [4'ssh-ed25519'][4 0102]] [4'f'] [4'signature']");
    say_packet(&s, TL_S2C, "15");
    say_packet(&s, TL_C2S, "15");
    tl_say_hex(&s, TL_C2S, "9a8b7c6d5e4f 'not to be read'");
    tl_say_hex(&s, TL_S2C, "c1c2c3c4c5c6c7c8");
    tl_say_hex(&s, TL_C2S, "'more'");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void a_session(void)
{
    tl_script s = session();
    tl_detects(&s, &tl_ssh,
               "1 < 0+32 ssh banner 'SSH-2.0-OpenSSH_9.2p1 Debian-2' start complete\n"
               "2 > 0+15 ssh banner 'SSH-2.0-PuTTY' start complete\n"
               "3 > 15+144 ssh kexinit '' counted complete\n"
               "4 < 32+168 ssh kexinit '' counted complete\n"
               "5 > 159+24 ssh kex_init '' counted complete\n"
               "6 < 200+56 ssh kex_reply '' counted complete\n"
               "7 < 256+16 ssh newkeys '' counted complete\n"
               "8 > 183+16 ssh newkeys '' counted complete\n"
               "9 > 199+24 ssh encrypted '' counted complete\n"
               "10 < 272+8 ssh encrypted '' counted complete\n");
    tl_says(&s, &tl_ssh, 1, "{\"version\":\"2.0\",\"software\":\"OpenSSH_9.2p1\",\"comments\":\"Debian-2\"}");
    tl_says(&s, &tl_ssh, 3,
            "{\"kex_algorithms\":\"curve25519-sha256\",\"host_key_algorithms\":\"ssh-ed25519\",\"encryption\":\"aes128-ctr\","
            "\"mac\":\"hmac-sha1\",\"compression\":\"none\",\"hassh\":\"7fffb234014b2a6c335168b9683cbb70\"}");
    tl_says(&s, &tl_ssh, 4,
            "{\"kex_algorithms\":\"curve25519-sha256,ecdh-sha2-nistp256\",\"host_key_algorithms\":\"ssh-ed25519\","
            "\"encryption\":\"aes256-ctr\",\"mac\":\"hmac-md5\",\"compression\":\"zlib\",\"hassh_server\":"
            "\"f9d90e5640a37125d8cfe9b9e8b0ff82\"}");
    tl_says(&s, &tl_ssh, 6, "{\"host_key\":\"ssh-ed25519\",\"host_key_sha256\":\"SHA256:xrPeIJhpRWfxxzIaHHzgc5B+xnObyfKI0uXf2xHAXt8\"}");
    tl_survives_gaps(&s, &tl_ssh, 1); /* one that is weak, before the new keys, when its neighbour is lost */
    tl_refuses(&tl_ssh, 22);
    tl_script_free(&s);
}

/* What a server says before its banner, group exchange, and a goodbye in the clear. */
static void other_messages(void)
{
    tl_script s = {.port = 22};
    tl_say(&s, TL_C2S, "SSH-2.0-a\r\n");
    tl_say(&s, TL_S2C, "Go away\r\nSSH-1.99-b\n");
    say_packet(&s, TL_C2S, KEX("diffie-hellman-group-exchange-sha1"));
    say_packet(&s, TL_C2S, "22 00000400 00000400 00002000");
    say_packet(&s, TL_S2C, "1f [4'p'] [4 02]");
    say_packet(&s, TL_C2S, "20 [4'e']");
    say_packet(&s, TL_S2C, "21 [4 [4'ssh-rsa']] [4'f']");
    say_packet(&s, TL_S2C, "01 00000002 [4'no'] [4]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_ssh,
               "1 > 0+11 ssh banner 'SSH-2.0-a' start complete\n"
               "2 < 0+9 ssh line 'Go away' start complete\n"
               "3 < 9+11 ssh banner 'SSH-1.99-b' counted complete\n"
               "4 > 11+168 ssh kexinit '' counted complete\n"
               "5 > 179+24 ssh kex_gex_request '' counted complete\n"
               "6 < 20+24 ssh kex_gex_group '' counted complete\n"
               "7 > 203+16 ssh kex_gex_init '' counted complete\n"
               "8 < 44+32 ssh kex_gex_reply '' counted complete\n"
               "9 < 76+24 ssh disconnect '' counted complete\n");
    tl_says(&s, &tl_ssh, 9, "{\"reason\":2,\"description\":\"no\"}");
    tl_script_free(&s);
}

/* From the key exchange on; and SSH 1, which is not read. */
static void midway_and_old(void)
{
    tl_script s = {.port = 2022}, old = {.port = 22};
    say_packet(&s, TL_S2C, KEX("a"));
    say_packet(&s, TL_S2C, "15");
    tl_say(&s, TL_S2C, "sealed");
    tl_end(&s, TL_WHY_RST);
    tl_detects(&s, &tl_ssh,
               "1 < 0+128 ssh kexinit '' start complete\n"
               "2 < 128+16 ssh newkeys '' counted complete\n"
               "3 < 144+6 ssh encrypted '' counted cut\n");
    tl_script_free(&s);
    tl_say(&old, TL_S2C, "SSH-1.5-1.2.27\n");
    tl_say_hex(&old, TL_S2C, "0000010b");
    tl_end(&old, TL_WHY_FIN);
    tl_detects(&old, &tl_ssh,
               "1 < 0+15 ssh banner 'SSH-1.5-1.2.27' start complete\n"
               "2 < 15+4 ssh encrypted '' counted complete\n");
    tl_script_free(&old);
}

/* The new keys are lost: what follows is not taken for packets; nor is it when a hole lies behind them. */
static void lost_keys(void)
{
    tl_script s = session(), cut = tl_script_without(&s, TL_S2C, 250, 262), behind = tl_script_without(&s, TL_S2C, 273, 275);
    char *heard = tl_hear(&cut, tl_registry_builtin(), 3);
    CU_ASSERT(strstr(heard, "6 < 200+56 ssh kex_reply '' counted missing 6 cut\n") != NULL && strstr(heard, " encrypted ") != NULL);
    CU_ASSERT(strstr(heard, "< 262") == NULL && strstr(heard, "< 272") == NULL);
    if (CU_get_number_of_failures() > 0) printf("\n%s", heard);
    free(heard);
    heard = tl_hear(&behind, tl_registry_builtin(), 3);
    CU_ASSERT(strstr(heard, "< 272+8 ssh encrypted '' counted missing 2") != NULL);
    if (CU_get_number_of_failures() > 0) printf("\n%s", heard);
    free(heard);
    tl_script_free(&behind);
    tl_script_free(&cut);
    tl_script_free(&s);
}

int main(void)
{
    return tl_run_cases("ssh", (const tl_case[]){{"a session", a_session},
                                                 {"other messages", other_messages},
                                                 {"midway, and SSH 1", midway_and_old},
                                                 {"lost keys", lost_keys},
                                                 {0}});
}
