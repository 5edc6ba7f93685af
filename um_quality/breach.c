/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is a password's SHA-1 in a sorted file of them?  The file is tens of gigabytes at most and
 * somebody else's: it may shrink, be exchanged or be no such file at all while it is read.
 *
 * A binary search over byte offsets that halves until one block is left.  Each line it meets has to
 * stand between the two it is searched between, so what is not sorted is noticed where it would
 * lead the search astray. */

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "um_quality/quality.h"

#define HEX_BYTES  40U
#define LINE_BYTES 64U   /* 40 digits, ':', a number of 20 digits, CRLF */
#define BLOCK      4096U /* the rest is looked through line by line */

/* Where the search is: hash is in [begin, end) if anywhere; both stand at a line's begin. */
typedef struct Search {
        int fd;
        uint64_t size, begin, end;
        char hash[HEX_BYTES], low[HEX_BYTES],
                high[HEX_BYTES]; /* upper case; low and high are met */
        bool has_low, has_high;
        unsigned reads;
} Search;

enum { LINE_BELOW = -1, LINE_HIT = 0, LINE_ABOVE = 1, LINE_BAD = 2 };

/* One line without its LF.  False: it is none. */
static bool line_read(const char *line, size_t len, char *ret_hash) {
        if (len > 0 && line[len - 1] == '\r')
                len--;
        if (len < HEX_BYTES)
                return false;
        for (size_t i = 0; i < HEX_BYTES; i++) {
                char c = line[i];

                if (c >= 'a' && c <= 'f')
                        c = (char)(c - 'a' + 'A');
                if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F')))
                        return false;
                ret_hash[i] = c;
        }
        if (len == HEX_BYTES)
                return true;
        if (line[HEX_BYTES] != ':' || len == HEX_BYTES + 1)
                return false;
        for (size_t i = HEX_BYTES + 1; i < len; i++)
                if (line[i] < '0' || line[i] > '9')
                        return false;
        return true;
}

/* Judges a line and narrows what later ones may be. */
static int line_judge(Search *search, const char *line, size_t len) {
        char hash[HEX_BYTES];
        int c;

        if (!line_read(line, len, hash) ||
            (search->has_low && memcmp(hash, search->low, HEX_BYTES) <= 0) ||
            (search->has_high && memcmp(hash, search->high, HEX_BYTES) >= 0))
                return LINE_BAD;
        c = memcmp(hash, search->hash, HEX_BYTES);
        if (c < 0) {
                memcpy(search->low, hash, HEX_BYTES);
                search->has_low = true;
                return LINE_BELOW;
        }
        return c == 0 ? LINE_HIT : LINE_ABOVE;
}

/* The whole of [at, at + len): -ESTALE where the file has become shorter. */
static int block_read(Search *search, uint64_t at, char *buf, size_t len) {
        size_t have = 0;

        while (have < len) {
                ssize_t n = pread(search->fd, buf + have, len - have, (off_t)(at + have));

                search->reads++;
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return -ESTALE;
                if (n > 0)
                        have += (size_t)n;
        }
        return 0;
}

/* Looks at the first line that begins behind the middle; 0, or a fault, -EBADMSG for damage. */
static int search_halve(Search *search, bool *ret_hit) {
        char buf[2 * LINE_BYTES];
        uint64_t middle = search->begin + (search->end - search->begin) / 2;
        const char *line, *end;
        int r = block_read(search, middle, buf, sizeof(buf));

        if (r < 0)
                return r;
        line = memchr(buf, '\n', LINE_BYTES);
        if (!line)
                return -EBADMSG;
        line++;
        end = memchr(line, '\n', (size_t)(buf + sizeof(buf) - line));
        if (!end)
                return -EBADMSG;
        r = line_judge(search, line, (size_t)(end - line));
        if (r == LINE_BAD)
                return -EBADMSG;
        *ret_hit = r == LINE_HIT;
        if (r == LINE_BELOW)
                search->begin = middle + (uint64_t)(end + 1 - buf);
        else {
                search->end = middle + (uint64_t)(line - buf);
                (void)line_read(line, (size_t)(end - line), search->high);
                search->has_high = true;
        }
        return 0;
}

static int search_rest(Search *search, bool *ret_hit) {
        char buf[BLOCK];
        size_t len = (size_t)(search->end - search->begin);
        const char *at = buf;
        int r = block_read(search, search->begin, buf, len);

        while (r >= 0 && len > 0) {
                const char *end = memchr(at, '\n', len);
                size_t line = end ? (size_t)(end - at) : len, used = end ? line + 1 : line;
                int judged = line_judge(search, at, line);

                if (judged == LINE_BAD)
                        return -EBADMSG;
                *ret_hit = judged == LINE_HIT;
                if (judged != LINE_BELOW)
                        return 0;
                at += used;
                len -= used;
        }
        return r;
}

static int search_run(Search *search, bool *ret_hit) {
        int r = 0;

        search->end = search->size;
        while (r >= 0 && !*ret_hit && search->end - search->begin > BLOCK)
                r = search_halve(search, ret_hit);
        if (r >= 0 && !*ret_hit)
                r = search_rest(search, ret_hit);
        return r;
}

/* The first line and the last: is this such a file at all? */
static int search_look(Search *search) {
        size_t len = search->size < BLOCK ? (size_t)search->size : BLOCK;
        char buf[BLOCK], hash[HEX_BYTES];
        const char *end;
        int r = block_read(search, 0, buf, len);

        if (r < 0)
                return r;
        end = memchr(buf, '\n', len);
        if (!line_read(buf, end ? (size_t)(end - buf) : len, hash))
                return -EBADMSG;
        r = block_read(search, search->size - len, buf, len);
        if (r < 0)
                return r;
        if (len > 0 && buf[len - 1] == '\n')
                len--;
        end = memrchr(buf, '\n', len);
        end = end ? end + 1 : buf;
        return line_read(end, (size_t)(buf + len - end), hash) ? 0 : -EBADMSG;
}

static void password_hash(const char *password, char *ret) {
        static const char digits[] = "0123456789ABCDEF";
        uint8_t digest[SHA1_DIGEST_SIZE];
        struct sha1_ctx context;

        sha1_init(&context);
        sha1_update(&context, strlen(password), (const uint8_t *)password);
        sha1_digest(&context, sizeof(digest), digest);
        for (size_t i = 0; i < sizeof(digest); i++) {
                ret[2 * i] = digits[digest[i] >> 4];
                ret[2 * i + 1] = digits[digest[i] & 15];
        }
        base_wipe(&context, sizeof(context));
        base_wipe(digest, sizeof(digest));
}

static int file_open(const char *path, struct stat *ret_stat, int *ret_fd) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd < 0 || fstat(fd, ret_stat) < 0)
                return -errno;
        if (!S_ISREG(ret_stat->st_mode))
                return -EINVAL;
        *ret_fd = base_take_fd(&fd);
        return 0;
}

/* Forgets the damage of another file. */
static void breach_note(QualityBreach *breach, const struct stat *stat) {
        QualityBreach seen = {
                .device = stat->st_dev,
                .inode = stat->st_ino,
                .size = (uint64_t)stat->st_size,
                .changed_nsec = (uint64_t)stat->st_mtim.tv_sec * 1000000000U +
                                (uint64_t)stat->st_mtim.tv_nsec,
        };

        if (breach->device == seen.device && breach->inode == seen.inode &&
            breach->size == seen.size && breach->changed_nsec == seen.changed_nsec)
                seen.damaged = breach->damaged;
        *breach = seen;
}

QualityState quality_breach(QualityBreach *breach, const char *path, const char *password,
                            bool *ret_hit) {
        _cleanup_close_ int fd = -1;
        Search search = { 0 };
        struct stat stat;
        int r;

        *ret_hit = false;
        r = path ? file_open(path, &stat, &fd) : -ENOENT;
        if (r < 0)
                return r == -ENOENT ? QUALITY_STATE_MISSING : QUALITY_STATE_UNREADABLE;
        breach_note(breach, &stat);
        search.fd = fd;
        search.size = breach->size;
        if (password)
                password_hash(password, search.hash);
        r = password ? search_run(&search, ret_hit) : search_look(&search);
        base_wipe(search.hash, sizeof(search.hash));
        breach->reads = search.reads;
        breach->damaged = breach->damaged || r == -EBADMSG || r == -ESTALE || search.size == 0;
        if (r < 0 && r != -EBADMSG && r != -ESTALE)
                return QUALITY_STATE_UNREADABLE;
        return breach->damaged ? QUALITY_STATE_DAMAGED : QUALITY_STATE_OK;
}
