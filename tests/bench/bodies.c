#include "bodies.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_BYTES = 2 * BODY_MOST };

static uint8_t *text_pool, *random_pool;

uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint64_t random_below(uint64_t *state, uint64_t below)
{
    return random_bits(state) % below;
}

bool random_percent(uint64_t *state, double percent)
{
    return percent > 0 && (double)(random_bits(state) >> 11) < percent / 100 * 9007199254740992.0; /* 2^53 */
}

/* Words of a made-up language in made-up markup: deflate level 1 leaves a little under a third of it, as of real pages. */
static void make_text(uint8_t *out, size_t n, uint64_t *random)
{
    static const char syllables[][4] = {"ba", "cor", "di", "el",  "fon", "ga",  "hin", "is",
                                        "ju", "kel", "lo", "mar", "no",  "ost", "pri", "qua"};
    static const char *const tags[] = {"<p>", "</p>\n", "<a href=\"/", "\">", "</a> ", "<div class=\"item\">", "</div>\n", "<td>", "</td>"};
    char words[2000][16];
    for (size_t i = 0; i < 2000; i++) {
        words[i][0] = '\0';
        for (uint64_t k = 1 + random_below(random, 4); k > 0; k--) strcat(words[i], syllables[random_below(random, 16)]);
    }
    for (size_t at = 0; at < n;) {
        uint64_t pick = random_below(random, 2000), rank = random_below(random, 2000);
        const char *word =
            random_below(random, 9) == 0 ? tags[random_below(random, 9)] : words[pick * rank / 2000]; /* few words are frequent */
        for (; *word != '\0' && at < n; word++) out[at++] = (uint8_t)*word;
        if (at < n) out[at++] = ' ';
    }
}

bool bodies_make(uint64_t seed)
{
    text_pool = malloc(POOL_BYTES);
    random_pool = malloc(POOL_BYTES);
    if (text_pool == NULL || random_pool == NULL) return false;
    make_text(text_pool, POOL_BYTES, &seed);
    for (size_t i = 0; i < POOL_BYTES; i += 8) {
        uint64_t v = random_bits(&seed);
        memcpy(random_pool + i, &v, 8);
    }
    return true;
}

void bodies_free(void)
{
    free(text_pool);
    free(random_pool);
}

const uint8_t *body_of(bool text, size_t n, uint64_t random)
{
    return (text ? text_pool : random_pool) + random % (POOL_BYTES - n + 1);
}
