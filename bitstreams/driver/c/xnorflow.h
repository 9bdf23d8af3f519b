/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a network from C99, with or without an operating system. The caller brings register access, a
 * clock, and memory that the logic can reach; nothing is allocated here.
 *
 *     xnorflow board;
 *     if (xnorflow_open(&board, &platform, &xnorflow_built) != XNORFLOW_OK) ...
 *     xnorflow_put(&board, &buffer, 0, pixels);
 *     if (xnorflow_run(&board, &buffer, 1, 0.01) != XNORFLOW_OK) puts(xnorflow_message(&board));
 *     xnorflow_logit(&board, &buffer, 0, 3);
 *
 * The logic has to be loaded, clocked and out of reset before xnorflow_open: an access to logic without
 * a clock stops a Zynq's processor for good.
 */
#ifndef XNORFLOW_H
#define XNORFLOW_H

#include <stddef.h>
#include <stdint.h>

enum {
    XNORFLOW_OK = 0,
    XNORFLOW_OTHER_LOGIC = 1,   /* no shell answers, or one of another major version */
    XNORFLOW_OTHER_NETWORK = 2, /* the hash or the sizes are not those that were built */
    XNORFLOW_BAD_BUFFER = 3,    /* too small, misaligned, or beyond the shell's address bits */
    XNORFLOW_RUN_FAILED = 4,    /* the shell reported an error; `error` holds its register */
    XNORFLOW_NO_END = 5,        /* neither an end nor an error was reported in time */
    XNORFLOW_STUCK = 6,         /* as above, and a burst stays open: load the bitstream again */
    XNORFLOW_NOT_READY = 7,     /* run without xnorflow_open, or after weights that failed */
    XNORFLOW_OTHER_WEIGHTS = 8, /* other weights are loaded, or some of them: load weights first */
    XNORFLOW_FIXED_WEIGHTS = 9, /* the hardware was built without --runtime-weights */
    XNORFLOW_BAD_WEIGHTS = 10,  /* no weights.bin, or a damaged one */
    XNORFLOW_UNFIT_WEIGHTS = 11, /* weights of other layers, or of the same folded otherwise */
    XNORFLOW_WRONG_LOGITS = 12   /* the golden vectors of the weights fail */
};

/* What the caller brings. flush and invalidate may be NULL where memory is not cached. */
typedef struct {
    void *context;
    uint32_t (*read32)(void *context, uint64_t address);
    void (*write32)(void *context, uint64_t address, uint32_t value);
    double (*seconds)(void *context);
    void (*pause)(void *context, double seconds);
    void (*flush)(void *context, const void *start, size_t bytes);
    void (*invalidate)(void *context, void *start, size_t bytes);
} xnorflow_platform;

/* Facts of a build; network.h of a deploy folder defines `xnorflow_built`. */
typedef struct {
    const char *name;
    uint64_t base;          /* bus address of the registers */
    uint32_t hash[4];
    uint32_t in_bytes;      /* of an image: 8 bits a value; row, column, channel */
    uint32_t out_bytes;     /* of a result */
    uint32_t elements;      /* of a result */
    uint32_t element_bits;  /* 8, 16 or 32 */
    int is_signed;
    uint32_t interval_cycles, latency_cycles;
    double clock_mhz;
    const uint8_t *pixel_table; /* 256 bytes, what is sent for each pixel; NULL: the pixel */
    uint32_t fit[4];            /* mark of the weights that can be loaded; zero: none can */
} xnorflow_network;

/* Memory for images and, behind them, results. address: of data on the bus, a multiple of 64. */
typedef struct {
    uint8_t *data;
    uint64_t address;
    size_t bytes;
} xnorflow_buffer;

typedef struct {
    const xnorflow_platform *platform;
    const xnorflow_network *network;
    const uint8_t *pixel_table; /* of the network that runs */
    int known;         /* the shell that was built answers */
    int ready;         /* and its network has its weights */
    uint32_t images;   /* room in the buffer of the last run */
    int code;          /* what the last call returned */
    uint32_t error;    /* register ERROR of the last run */
    uint64_t cycles;   /* of the last run, start to end */
    uint32_t latency;  /* of the last run, start to first result in memory */
} xnorflow;

/* Compares what answers with what was built. After XNORFLOW_OTHER_WEIGHTS weights can be loaded. */
int xnorflow_open(xnorflow *board, const xnorflow_platform *platform, const xnorflow_network *network);

/* Bytes that a buffer for so many images needs. */
size_t xnorflow_bytes(const xnorflow_network *network, uint32_t images);

/* Puts in_bytes pixels of image `index` into the buffer. */
void xnorflow_put(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t index,
                  const uint8_t *pixels);

/* Where image `index` lies, for who writes it there himself: what is sent, see pixel_table. */
uint8_t *xnorflow_image(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t index);

/* Runs the first `images` images; gives up after `timeout` seconds in which no data moved. */
int xnorflow_run(xnorflow *board, const xnorflow_buffer *buffer, uint32_t images, double timeout);

/* One element of one result of the last run. */
int32_t xnorflow_logit(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t image,
                       uint32_t element);

/* Writes the weights of a retrained network into hardware that was built with --runtime-weights, and
 * runs the golden vectors that come with them.
 *
 * file: content of c/weights.bin of its deploy folder; it has to stay in memory while they are in use.
 * buffer: room for as many images as xnorflow_golden tells; timeout: as of xnorflow_run.
 *
 * A file that does not fit is refused before a word is written, and the network stays. If the vectors
 * fail, nothing runs until weights are loaded, or the bitstream is and xnorflow_open called.
 */
int xnorflow_load_weights(xnorflow *board, const uint8_t *file, size_t bytes,
                          const xnorflow_buffer *buffer, double timeout);

/* Golden vectors of a weights.bin; 0 where it is none. */
uint32_t xnorflow_golden(const uint8_t *file, size_t bytes);

/* Measures the clock of the logic against platform->seconds, MHz. */
double xnorflow_clock_mhz(const xnorflow *board);

/* The last call's code as a sentence. */
const char *xnorflow_message(const xnorflow *board);

#endif
