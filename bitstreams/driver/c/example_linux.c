/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one image under Linux, as root: registers through /dev/mem, memory through u-dma-buf.
 *
 *     cc -std=c99 -O2 example_linux.c xnorflow.c -o example
 *     ./example /dev/udmabuf0 image.bin                  image.bin: in_bytes pixels, row, column, channel
 *     ./example /dev/udmabuf0 image.bin weights.bin      loads the weights of another build first
 *
 * The bitstream has to be loaded and its clock set (`validate.py` does both).
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "network.h"
#include "xnorflow.h"

static uint32_t read32(void *context, uint64_t address) {
    return ((volatile uint32_t *)context)[(address - xnorflow_built.base) / 4];
}

static void write32(void *context, uint64_t address, uint32_t value) {
    __sync_synchronize(); /* pixels are in memory before the shell is started */
    ((volatile uint32_t *)context)[(address - xnorflow_built.base) / 4] = value;
}

static double seconds(void *context) {
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void pause_for(void *context, double duration) {
    (void)context;
    usleep((useconds_t)(1e6 * duration) + 1);
}

/* Bus address of a u-dma-buf device, 0 where sysfs does not tell. */
static uint64_t bus_address(const char *device) {
    char path[160];
    unsigned long long address = 0;
    const char *const name = strrchr(device, '/') ? strrchr(device, '/') + 1 : device;
    FILE *file;
    snprintf(path, sizeof path, "/sys/class/u-dma-buf/%s/phys_addr", name);
    file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%llx", &address) != 1) address = 0;
    fclose(file);
    return address;
}

static int fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    return 2;
}

/* Content of a file, NULL where it cannot be read. */
static uint8_t *content(const char *path, size_t *bytes) {
    FILE *const file = fopen(path, "rb");
    uint8_t *data = NULL;
    long size;
    if (!file) return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) > 0) {
        rewind(file);
        data = malloc((size_t)size);
        *bytes = data ? fread(data, 1, (size_t)size, file) : 0;
    }
    fclose(file);
    return data;
}

typedef struct {
    const uint8_t *image, *weights; /* weights: NULL for those of the bitstream */
    size_t image_bytes, weights_bytes;
} input;

static int run(volatile uint32_t *registers, const xnorflow_buffer *buffer, const input *given) {
    const xnorflow_platform platform = {(void *)registers, read32, write32, seconds,
                                        pause_for,         NULL,   NULL}; /* O_SYNC: not cached */
    xnorflow board;
    uint32_t i;
    int code = xnorflow_open(&board, &platform, &xnorflow_built);
    if (given->weights && (code == XNORFLOW_OK || code == XNORFLOW_OTHER_WEIGHTS)) {
        code = xnorflow_load_weights(&board, given->weights, given->weights_bytes, buffer, 0.01);
    }
    if (code != XNORFLOW_OK) return fail(xnorflow_message(&board));
    if (given->image_bytes != xnorflow_built.in_bytes) return fail("IMAGE has another size than the network's");
    xnorflow_put(&board, buffer, 0, given->image);
    if (xnorflow_run(&board, buffer, 1, 0.01)) return fail(xnorflow_message(&board));
    for (i = 0; i < xnorflow_built.elements; ++i) {
        printf("%ld\n", (long)xnorflow_logit(&board, buffer, 0, i));
    }
    return 0;
}

int main(int argc, char **argv) {
    input given = {NULL, NULL, 0, 0};
    xnorflow_buffer buffer;
    void *registers, *memory;
    uint32_t images = 1;
    int device, window;
    if (argc != 3 && argc != 4) return fail("usage: example DEVICE IMAGE [WEIGHTS]");
    given.image = content(argv[2], &given.image_bytes);
    if (!given.image) return fail("cannot read IMAGE");
    if (argc == 4) {
        given.weights = content(argv[3], &given.weights_bytes);
        if (!given.weights) return fail("cannot read WEIGHTS");
        images = xnorflow_golden(given.weights, given.weights_bytes);
    }
    buffer.address = bus_address(argv[1]);
    buffer.bytes = xnorflow_bytes(&xnorflow_built, images ? images : 1);
    device = open(argv[1], O_RDWR | O_SYNC);
    window = open("/dev/mem", O_RDWR | O_SYNC);
    if (!buffer.address || device < 0 || window < 0) {
        return fail("cannot open DEVICE, its address in sysfs, or /dev/mem (root only)");
    }
    memory = mmap(NULL, buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
    registers = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, window,
                     (off_t)xnorflow_built.base);
    if (memory == MAP_FAILED || registers == MAP_FAILED) return fail("cannot map memory or registers");
    buffer.data = memory;
    return run(registers, &buffer, &given);
}
