// SPDX-License-Identifier: Apache-2.0
// First header of every translation unit; precompiled, because parsing it dominates small builds.
#pragma once
#include "capture.h"
#include "verilated.h"
#include "verilated_dpi.h"
#include "verilated_sym_props.h"
#include "verilated_syms.h"
