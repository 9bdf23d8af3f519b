/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one image under Linux, as root: registers through /dev/mem, memory through u-dma-buf.
 *
 *     cc -std=c99 -O2 example_linux.c xnorflow.c -o example
 *     ./example /dev/udmabuf0 image.bin       image.bin: in_bytes pixels, row, column, channel
 *
 * The bitstream has to be loaded and its clock set (`validate.py` does both).
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
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

static int run(volatile uint32_t *registers, const xnorflow_buffer *buffer, FILE *image) {
    const xnorflow_platform platform = {(void *)registers, read32, write32, seconds,
                                        pause_for,         NULL,   NULL}; /* O_SYNC: not cached */
    xnorflow board;
    uint32_t i;
    if (xnorflow_open(&board, &platform, &xnorflow_built)) return fail(xnorflow_message(&board));
    if (fread(xnorflow_image(&board, buffer, 0), 1, xnorflow_built.in_bytes, image) !=
        xnorflow_built.in_bytes) {
        return fail("the image file is too short");
    }
    if (xnorflow_run(&board, buffer, 1, 0.01)) return fail(xnorflow_message(&board));
    for (i = 0; i < xnorflow_built.elements; ++i) {
        printf("%ld\n", (long)xnorflow_logit(&board, buffer, 0, i));
    }
    return 0;
}

int main(int argc, char **argv) {
    xnorflow_buffer buffer;
    void *registers, *memory;
    FILE *image;
    int device, window;
    if (argc != 3) return fail("usage: example DEVICE IMAGE");
    buffer.address = bus_address(argv[1]);
    buffer.bytes = xnorflow_bytes(&xnorflow_built, 1);
    device = open(argv[1], O_RDWR | O_SYNC);
    window = open("/dev/mem", O_RDWR | O_SYNC);
    image = fopen(argv[2], "rb");
    if (!buffer.address || device < 0 || window < 0 || !image) {
        return fail("cannot open DEVICE, its address in sysfs, /dev/mem (root only) or IMAGE");
    }
    memory = mmap(NULL, buffer.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
    registers = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, window,
                     (off_t)xnorflow_built.base);
    if (memory == MAP_FAILED || registers == MAP_FAILED) return fail("cannot map memory or registers");
    buffer.data = memory;
    return run(registers, &buffer, image);
}
