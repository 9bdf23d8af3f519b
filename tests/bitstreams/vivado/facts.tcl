# SPDX-License-Identifier: Apache-2.0
# What Vivado 2022.2 to 2025.2 accepts, as far as our scripts use it: options of commands (UG835),
# properties and pins of IP cores (PG021 proc_sys_reset, PG082 processing_system7, PG201
# zynq_ultra_ps_e, PG247 smartconnect). A table written from manuals: it finds slips, it is no Vivado.

namespace eval facts {

# Command: options with the number of their values; fewest and most arguments besides. All commands
# take -quiet and -verbose.
variable commands {
  create_project       {{-part 1 -force 0 -in_memory 0 -ip 0} 0 2}
  current_project      {{} 0 1}
  current_fileset      {{-simset 0 -constrset 0 -srcset 0 -blockset 0} 0 1}
  get_board_parts      {{-regexp 0 -nocase 0 -latest_file_version 0 -latest_hw_revision 0 -filter 1} 0 -1}
  set_property         {{-name 1 -value 1 -dict 1} 1 3}
  get_property         {{-min 0 -max 0} 2 2}
  add_files            {{-fileset 1 -of_objects 1 -norecurse 0 -copy_to 1 -force 0 -scan_for_includes 0} 0 -1}
  get_files            {{-regexp 0 -nocase 0 -filter 1 -compile_order 1 -used_in 1 -of_objects 1 -all 0} 0 -1}
  update_compile_order {{-force_gui 0 -fileset 1} 0 0}
  get_ipdefs           {{-name 0 -vlnv 0 -regexp 0 -nocase 0 -all 0 -filter 1} 0 -1}
  create_bd_design     {{-dir 1 -cell 1 -bdsource 1} 1 1}
  create_bd_cell       {{-vlnv 1 -type 1 -reference 1 -revision 1} 1 1}
  apply_bd_automation  {{-rule 1 -config 1 -dict 1} 0 1}
  connect_bd_net       {{-net 1 -boundary_type 1} 1 -1}
  connect_bd_intf_net  {{-intf_net 1 -boundary_type 1} 2 2}
  get_bd_cells         {{-regexp 0 -hierarchical 0 -filter 1 -of_objects 1} 0 -1}
  get_bd_pins          {{-regexp 0 -hierarchical 0 -filter 1 -of_objects 1} 0 -1}
  get_bd_intf_pins     {{-regexp 0 -hierarchical 0 -filter 1 -of_objects 1} 0 -1}
  get_bd_addr_spaces   {{-regexp 0 -hierarchical 0 -filter 1 -of_objects 1} 0 -1}
  get_bd_addr_segs     {{-excluded 0 -addressed 0 -unaddressed 0 -addressing 0 -addressables 0
                         -regexp 0 -hierarchical 0 -filter 1 -of_objects 1} 0 -1}
  assign_bd_address    {{-target_address_space 1 -boundary 0 -master_boundary 0 -external 0 -dict 1
                         -import_from_file 1 -export_to_file 1 -offset 1 -range 1 -force 0} 0 1}
  validate_bd_design   {{-force 0 -design 1} 0 0}
  save_bd_design       {{-force 0} 0 1}
  generate_target      {{-force 0} 2 2}
  make_wrapper         {{-files 1 -top 0 -testbench 0 -inst_template 0 -fileset 1 -import 0 -force 0} 0 1}
  get_runs             {{-regexp 0 -nocase 0 -filter 1 -of_objects 1} 0 -1}
  launch_runs          {{-jobs 1 -scripts_only 0 -lsf 1 -sge 1 -dir 1 -to_step 1 -next_step 0 -host 1
                         -remote_cmd 1 -email_to 1 -force 0 -custom_script 1 -cluster_configuration 1} 1 1}
  wait_on_run          {{-timeout 1} 1 1}
  open_run             {{-name 1 -pr_config 1} 1 1}
  get_clocks           {{-regexp 0 -nocase 0 -filter 1 -of_objects 1 -match_style 1 -include_generated_clocks 0} 0 1}
  report_timing_summary {{-check_timing_verbose 0 -delay_type 1 -no_detailed_paths 0 -setup 0 -hold 0
                         -max_paths 1 -nworst 1 -path_type 1 -file 1 -append 0 -warn_on_violation 0
                         -report_unconstrained 0 -no_header 0 -cell 1} 0 0}
  report_utilization   {{-file 1 -append 0 -pblocks 1 -cells 1 -return_string 0 -slr 0 -packthru 0
                         -name 1 -no_primitives 0 -omit_locs 0 -hierarchical 0
                         -spreadsheet_file 1 -spreadsheet_table 1 -spreadsheet_depth 1
                         -hierarchical_depth 1 -hierarchical_percentages 0 -hierarchical_min_primitive_count 1
                         -exclude_child_pblocks 0 -exclude_non_assigned 0 -format 1} 0 0}
  report_power         {{-no_propagation 0 -hier 1 -file 1 -append 0 -vid 0 -advisory 0 -format 1 -xpe 1 -name 1} 0 0}
  report_drc           {{-name 1 -upgrade_cw 0 -checks 1 -ruledecks 1 -file 1 -rpx 1 -append 0 -waived 0
                         -no_waivers 0 -no_header 0} 0 0}
  version              {{-short 0} 0 0}
}

# Property of an object that is no cell: values allowed, as a regular expression.
variable properties {
  project {board_part .+ target_language Verilog|VHDL PART .+}
  fileset {include_dirs .* verilog_define .* top \\w+}
  file    {synth_checkpoint_mode None|Singular|Hierarchical file_type .+}
  run     {strategy Flow_PerfOptimized_high|Performance_ExtraTimingOpt|Performance_Explore|Vivado.*}
}

# Rules of apply_bd_automation with the keys of their configuration.
variable rules {
  xilinx.com:bd_rule:processing_system7 {make_external apply_board_preset Master Slave}
  xilinx.com:bd_rule:zynq_ultra_ps_e    {apply_board_preset}
}

variable number {[0-9]+(\\.[0-9]+)?}

# Core: version, properties with the values allowed and the value before anything is set, and ports:
# kind, name, condition (a property that must be 1, or -), for interfaces the pin of their clock.
# Kinds: in, out, opt (an input that may stay open), master, slave.
variable cores [subst -nobackslashes -nocommands {
  processing_system7 {
    version 5.5
    properties {
      PCW_USE_M_AXI_GP0 {0|1 1} PCW_USE_M_AXI_GP1 {0|1 0}
      PCW_USE_S_AXI_HP0 {0|1 0} PCW_USE_S_AXI_HP1 {0|1 0} PCW_USE_S_AXI_HP2 {0|1 0} PCW_USE_S_AXI_HP3 {0|1 0}
      PCW_S_AXI_HP0_DATA_WIDTH {32|64 64} PCW_S_AXI_HP1_DATA_WIDTH {32|64 64}
      PCW_S_AXI_HP2_DATA_WIDTH {32|64 64} PCW_S_AXI_HP3_DATA_WIDTH {32|64 64}
      PCW_EN_CLK0_PORT {0|1 1} PCW_EN_RST0_PORT {0|1 1} PCW_FPGA0_PERIPHERAL_FREQMHZ {$number 50}
      PCW_EN_CLK1_PORT {0|1 0} PCW_FPGA1_PERIPHERAL_FREQMHZ {$number 50}
      PCW_USE_FABRIC_INTERRUPT {0|1 0} PCW_IRQ_F2P_INTR {0|1 0} PCW_CRYSTAL_PERIPHERAL_FREQMHZ {$number 33.333333}
    }
    ports {
      out FCLK_CLK0 PCW_EN_CLK0_PORT {}  out FCLK_CLK1 PCW_EN_CLK1_PORT {}  out FCLK_RESET0_N PCW_EN_RST0_PORT {}
      in M_AXI_GP0_ACLK PCW_USE_M_AXI_GP0 {}  in M_AXI_GP1_ACLK PCW_USE_M_AXI_GP1 {}
      in S_AXI_HP0_ACLK PCW_USE_S_AXI_HP0 {}  in S_AXI_HP1_ACLK PCW_USE_S_AXI_HP1 {}
      in S_AXI_HP2_ACLK PCW_USE_S_AXI_HP2 {}  in S_AXI_HP3_ACLK PCW_USE_S_AXI_HP3 {}
      opt IRQ_F2P PCW_IRQ_F2P_INTR {}
      master M_AXI_GP0 PCW_USE_M_AXI_GP0 M_AXI_GP0_ACLK  master M_AXI_GP1 PCW_USE_M_AXI_GP1 M_AXI_GP1_ACLK
      slave S_AXI_HP0 PCW_USE_S_AXI_HP0 S_AXI_HP0_ACLK  slave S_AXI_HP1 PCW_USE_S_AXI_HP1 S_AXI_HP1_ACLK
      slave S_AXI_HP2 PCW_USE_S_AXI_HP2 S_AXI_HP2_ACLK  slave S_AXI_HP3 PCW_USE_S_AXI_HP3 S_AXI_HP3_ACLK
    }
    preset {PCW_USE_M_AXI_GP0 1}
  }
  zynq_ultra_ps_e {
    version 3.5
    properties {
      PSU__USE__M_AXI_GP0 {0|1 1} PSU__USE__M_AXI_GP1 {0|1 1} PSU__USE__M_AXI_GP2 {0|1 0}
      PSU__MAXIGP0__DATA_WIDTH {32|64|128 128} PSU__MAXIGP1__DATA_WIDTH {32|64|128 128}
      PSU__USE__S_AXI_GP2 {0|1 0} PSU__USE__S_AXI_GP3 {0|1 0} PSU__USE__S_AXI_GP4 {0|1 0} PSU__USE__S_AXI_GP5 {0|1 0}
      PSU__SAXIGP2__DATA_WIDTH {32|64|128 128} PSU__SAXIGP3__DATA_WIDTH {32|64|128 128}
      PSU__SAXIGP4__DATA_WIDTH {32|64|128 128} PSU__SAXIGP5__DATA_WIDTH {32|64|128 128}
      PSU__FPGA_PL0_ENABLE {0|1 1} PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ {$number 100}
      PSU__FPGA_PL1_ENABLE {0|1 0} PSU__CRL_APB__PL1_REF_CTRL__FREQMHZ {$number 100}
      PSU__CRL_APB__PL1_REF_CTRL__SRCSEL {IOPLL|RPLL|DPLL RPLL}
      PSU__CRL_APB__PL0_REF_CTRL__SRCSEL {IOPLL|RPLL|DPLL RPLL} PSU__OVERRIDE__BASIC_CLOCK {0|1 0}
      PSU__PSS_REF_CLK__FREQMHZ {$number 33.333} PSU__USE__IRQ0 {0|1 1} PSU__USE__FABRIC__RST {0|1 1}
    }
    ports {
      out pl_clk0 PSU__FPGA_PL0_ENABLE {}  out pl_clk1 PSU__FPGA_PL1_ENABLE {}  out pl_resetn0 PSU__USE__FABRIC__RST {}
      in maxihpm0_fpd_aclk PSU__USE__M_AXI_GP0 {}  in maxihpm1_fpd_aclk PSU__USE__M_AXI_GP1 {}
      in maxihpm0_lpd_aclk PSU__USE__M_AXI_GP2 {}
      in saxihp0_fpd_aclk PSU__USE__S_AXI_GP2 {}  in saxihp1_fpd_aclk PSU__USE__S_AXI_GP3 {}
      in saxihp2_fpd_aclk PSU__USE__S_AXI_GP4 {}  in saxihp3_fpd_aclk PSU__USE__S_AXI_GP5 {}
      opt pl_ps_irq0 PSU__USE__IRQ0 {}
      master M_AXI_HPM0_FPD PSU__USE__M_AXI_GP0 maxihpm0_fpd_aclk
      master M_AXI_HPM1_FPD PSU__USE__M_AXI_GP1 maxihpm1_fpd_aclk
      master M_AXI_HPM0_LPD PSU__USE__M_AXI_GP2 maxihpm0_lpd_aclk
      slave S_AXI_HP0_FPD PSU__USE__S_AXI_GP2 saxihp0_fpd_aclk  slave S_AXI_HP1_FPD PSU__USE__S_AXI_GP3 saxihp1_fpd_aclk
      slave S_AXI_HP2_FPD PSU__USE__S_AXI_GP4 saxihp2_fpd_aclk  slave S_AXI_HP3_FPD PSU__USE__S_AXI_GP5 saxihp3_fpd_aclk
    }
    preset {PSU__USE__M_AXI_GP0 1 PSU__USE__M_AXI_GP1 1 PSU__USE__M_AXI_GP2 1}
  }
  proc_sys_reset {
    version 5.0
    properties {}
    ports {
      in slowest_sync_clk - {}  in ext_reset_in - {}  opt aux_reset_in - {}  opt mb_debug_sys_rst - {}
      opt dcm_locked - {}  out mb_reset - {}  out bus_struct_reset - {}  out peripheral_reset - {}
      out interconnect_aresetn - {}  out peripheral_aresetn - {}
    }
    preset {}
  }
  smartconnect {
    version 1.0
    properties {NUM_SI {1?[0-9] 1} NUM_MI {1?[0-9] 1} NUM_CLKS {1?[0-9] 1} HAS_ARESETN {0|1 1}}
    ports {in aclk - {}  in aresetn HAS_ARESETN {}  slave S00_AXI - aclk  master M00_AXI - aclk}
    preset {}
  }
}]
}
