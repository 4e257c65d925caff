/* Percent-decoding and query strings: the result is clean text, and encoding it again leads back to it. */
#include "fuzz.h"

#include "base/json.h"
#include "http/request.h"

static void require_clean(const struct buf *text)
{
    REQUIRE(text->data != NULL && text->data[text->len] == '\0');
    REQUIRE(strlen(text->data) == text->len);
    REQUIRE(utf8_is_valid(text->data, text->len));
}

static void check_decode(const char *text, size_t len, bool plus_is_space)
{
    struct buf once = BUF_INIT;
    struct buf encoded = BUF_INIT;
    struct buf twice = BUF_INIT;
    struct err err = {0};
    if (http_decode(text, len, plus_is_space, &once, &err) == 0) {
        require_clean(&once);
        REQUIRE(once.len <= len);
        for (size_t i = 0; i < once.len; i++)
            buf_appendf(&encoded, "%%%02X", (unsigned)(unsigned char)once.data[i]);
        REQUIRE(http_decode(encoded.data, encoded.len, plus_is_space, &twice, &err) == 0);
        REQUIRE(twice.len == once.len && memcmp(twice.data, once.data, once.len) == 0);
    } else {
        REQUIRE(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    buf_release(&once);
    buf_release(&encoded);
    buf_release(&twice);
}

/* Every pair moves the cursor on, and it never leaves the text. */
static void check_query(const char *query)
{
    struct buf name = BUF_INIT;
    struct buf value = BUF_INIT;
    struct err err = {0};
    const char *end = query + strlen(query);
    const char *cursor = query;
    for (;;) {
        const char *before = cursor;
        int more = http_query_next(&cursor, &name, &value, &err);
        REQUIRE(cursor >= before && cursor <= end);
        if (more <= 0)
            break;
        REQUIRE(cursor > before);
        require_clean(&name);
        require_clean(&value);
    }
    buf_release(&name);
    buf_release(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_decode((const char *)data, size, false);
    check_decode((const char *)data, size, true);
    char *query = x_strndup((const char *)data, size);
    check_query(query);
    free(query);
    return 0;
}
