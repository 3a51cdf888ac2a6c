/*
** adversary.c - bench-adversary: writes an attack of support/adversary.h as a capture file.  HOSTILE.md has what came of them.
*/
#include "support/adversary.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t most = UINT64_C(1) << 30;

static int wrong(void)
{
    fputs("usage: bench-adversary --kind NAME --n N -o FILE|-      (pcap, Ethernet)\nkinds:", stderr);
    for (int i = 0; i < TL_ATTACKS; i++) fprintf(stderr, " %s", tl_attack_name((tl_attack)i));
    fputs("\n", stderr);
    return 2;
}

static bool write_all(tl_source *s, FILE *f)
{
    static const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1}; /* in this machine's byte order, as pcap is */
    tl_frame frame;
    bool good = fwrite(header, sizeof header, 1, f) == 1;
    while (good && tl_source_next(s, &frame) == TL_OK) {
        uint32_t n = (uint32_t)frame.bytes.n;
        uint32_t record[4] = {(uint32_t)(frame.at.ns / 1000000000), (uint32_t)(frame.at.ns / 1000 % 1000000), n, frame.wire_len};
        good = fwrite(record, sizeof record, 1, f) == 1 && fwrite(frame.bytes.p, n, 1, f) == 1;
    }
    return good && fflush(f) == 0;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"kind", 1, NULL, 'k'}, {"n", 1, NULL, 'n'}, {0}};
    tl_attack attack = TL_ATTACKS;
    uint64_t n = 1 << 16;
    const char *path = NULL;
    char *end;
    for (int c; (c = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) switch (c) {
        case 'k':
            if (!tl_attack_find(optarg, &attack)) return wrong();
            break;
        case 'n':
            n = strtoull(optarg, &end, 10);
            if (end == optarg || *end != '\0' || n == 0 || n > most) return wrong();
            break;
        case 'o': path = optarg; break;
        default: return wrong();
        }
    if (attack == TL_ATTACKS || path == NULL || optind < argc) return wrong();
    FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "wbe");
    tl_source *s = tl_attack_open(attack, n);
    if (f == NULL || s == NULL || !write_all(s, f) || (f != stdout && fclose(f) != 0)) {
        perror("bench-adversary");
        return 1;
    }
    tl_source_close(s);
    return 0;
}
