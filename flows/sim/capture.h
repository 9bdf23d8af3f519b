// SPDX-License-Identifier: Apache-2.0
// Forced into every translation unit of the simulator: what the RTL prints ($display, $error, $fatal)
// is kept for the caller instead of going to standard output.
#pragma once
#ifdef __cplusplus
extern "C"
#endif
int xnorflow_printf(const char* format, ...);
#define VL_PRINTF xnorflow_printf
