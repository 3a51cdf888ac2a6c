/*
** source_filter_test.c - BPF expressions over files, several link types in one; and a live capture of the loopback device, where the
** machine lets us.
*/
#include "capture/source.h"
#include "support/capture_bytes.h"
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/dlt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A frame of an IPv4 TCP segment from port 1000 + i, with or without an Ethernet header, in which no byte is zero that strlen() sees. */
static void put_frame(tl_bytes *file, uint32_t interface_id, bool ethernet, unsigned i)
{
    uint8_t data[54 + 1] = {0};
    size_t at = ethernet ? 14 : 0;
    memset(data, 0x11, sizeof data - 1);
    if (ethernet) {
        data[12] = 0x08;
        data[13] = 0x00;
    }
    uint8_t *ip = data + at;
    ip[0] = 0x45;
    ip[6] = 0x40; /* don't fragment */
    ip[7] = 0;
    ip[9] = 6;
    ip[20] = (uint8_t)((1000 + i) >> 8);
    ip[21] = (uint8_t)(1000 + i);
    tl_bytes body = {0};
    tl_put32(&body, false, interface_id);
    tl_put64(&body, false, i);
    tl_put32(&body, false, (uint32_t)(at + 40));
    tl_put32(&body, false, (uint32_t)(at + 40));
    tl_put(&body, data, at + 40);
    tl_put_block(file, false, 6, body.p, body.n);
    tl_bytes_free(&body);
}

/* Interfaces 0: Ethernet, 1: raw IP, 2: never described. */
static void make_file(tl_bytes *file)
{
    tl_put_section(file, false);
    tl_put_interface(file, false, 1, 65535, NULL);
    tl_put_interface(file, false, 101, 65535, NULL);
    for (unsigned i = 0; i < 30; i++) put_frame(file, i % 3, i % 3 == 0, i);
}

static void over_several_link_types(void)
{
    static const struct {
        const char *expression;
        uint64_t frames[3]; /* expected, 0: none */
        size_t n;
    } cases[] = {
        {"tcp port 1003", {4}, 1}, {"tcp port 1004", {5}, 1}, {"tcp src port 1005", {0}, 0}, {"tcp portrange 1006-1009", {7, 8, 10}, 3}};
    tl_bytes file = {0};
    make_file(&file);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_error err = {0};
        tl_source *inner = tl_open_bytes(&file, SIZE_MAX, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(inner);
        tl_source *s = tl_source_open_filter(inner, cases[i].expression, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.rc, TL_END);
        CU_ASSERT_EQUAL_FATAL(t.n, cases[i].n);
        for (size_t k = 0; k < t.n; k++) CU_ASSERT_EQUAL(t.frames[k].at.frame, cases[i].frames[k]);
        CU_ASSERT(s->facts.have_sha256 && s->facts.bytes_read == file.n);
        tl_taken_free(&t);
        tl_source_close(s);
    }
    tl_bytes_free(&file);
}

static void what_cannot_be_filtered(void)
{
    static const struct {
        const char *expression, *says;
        bool at_open;
    } cases[] = {{"tcp prot 80", "the filter 'tcp prot 80' cannot be used on link type 1 (EN10MB)", true},
                 {"", NULL, false}, /* matches all */
                 {"ether host 1:2:3:4:5:6", "cannot be used on link type 12 (RAW)", false}};
    tl_bytes file = {0};
    make_file(&file);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_error err = {0};
        tl_source *inner = tl_open_bytes(&file, SIZE_MAX, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(inner);
        tl_source *s = tl_source_open_filter(inner, cases[i].expression, &err);
        CU_ASSERT_EQUAL(s == NULL, cases[i].at_open);
        if (s == NULL) {
            CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
            continue;
        }
        tl_taken t = tl_take_all(s);
        CU_ASSERT_EQUAL(t.rc, cases[i].says ? TL_EUSAGE : TL_END);
        if (cases[i].says) CU_ASSERT_PTR_NOT_NULL(strstr(s->error.text, cases[i].says));
        if (!cases[i].says) CU_ASSERT_EQUAL(t.n, 20);
        tl_taken_free(&t);
        tl_source_close(s);
    }
    tl_bytes_free(&file);
}

/* A datagram to ourselves: seen once, and what the filter leaves out is not; the interrupt ends the wait. */
static void live(void)
{
    tl_error err = {0};
    CU_ASSERT_PTR_NULL(tl_source_open_live("no-such-device-0", NULL, &err));
    CU_ASSERT_EQUAL(err.rc, TL_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no-such-device-0: cannot capture"));

    int to = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    CU_ASSERT_FATAL(to >= 0 && bind(to, (struct sockaddr *)&a, n) == 0 && getsockname(to, (struct sockaddr *)&a, &n) == 0);
    char filter[80];
    snprintf(filter, sizeof filter, "udp dst port %u and udp[8] = 0x79", ntohs(a.sin_port));
    tl_source *s = tl_source_open_live("lo", filter, &err);
    if (s == NULL) {
        CU_ASSERT(err.rc == TL_EIO && strstr(err.text, "lo: cannot capture") != NULL);
        printf("(no right to capture here: %s) ", err.text);
        close(to);
        return;
    }
    CU_ASSERT_STRING_EQUAL(s->facts.format, "live");
    CU_ASSERT(s->facts.drops == 0);
    CU_ASSERT_EQUAL(sendto(to, "no", 2, 0, (struct sockaddr *)&a, n), 2);
    CU_ASSERT_EQUAL(sendto(to, "yes", 3, 0, (struct sockaddr *)&a, n), 3);
    tl_frame f;
    CU_ASSERT_EQUAL_FATAL(tl_source_next(s, &f), TL_OK);
    CU_ASSERT(f.at.frame == 1 && f.linktype == DLT_EN10MB && f.bytes.n >= 14 + 20 + 8 + 3);
    CU_ASSERT(f.at.ns > 1600000000000000000 && f.wire_len == f.bytes.n);
    CU_ASSERT_EQUAL(memcmp(f.bytes.p + 42, "yes", 3), 0);
    tl_source_interrupt(s);
    CU_ASSERT_EQUAL(tl_source_next(s, &f), TL_END);
    CU_ASSERT_EQUAL(tl_source_next(s, &f), TL_END);
    tl_source_close(s);

    CU_ASSERT_PTR_NULL(tl_source_open_live("lo", "tcp prot 80", &err));
    CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the filter 'tcp prot 80' cannot be used here"));
    close(to);
}

int main(void)
{
    return tl_run_cases("source filter", (const tl_case[]){{"over several link types", over_several_link_types},
                                                           {"what cannot be filtered", what_cannot_be_filtered},
                                                           {"live", live},
                                                           {0}});
}
