// SPDX-License-Identifier: Apache-2.0
// Named first among the sources, it selects the simulator's form of the counters.
`define XNORFLOW_FAST_SIM
