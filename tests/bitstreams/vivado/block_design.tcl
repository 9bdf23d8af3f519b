# SPDX-License-Identifier: Apache-2.0
# The block design of the recorder: cells with their ports, nets, addresses, and the validation that
# Vivado does before it generates anything.

namespace eval recorder {

proc create_bd_design {given rest} {
  variable design [lindex $rest 0]
}
proc create_bd_cell {given rest} {
  variable cells
  variable config
  set name [lindex $rest 0]
  if {[dict exists $cells $name]} { fault "create_bd_cell: there is a cell $name already" }
  switch [option $given -type] {
    ip {
      lassign [split [option $given -vlnv] :] -> -> core version
      if {![dict exists $facts::cores $core] || $version ni [versions_of $core]} { fault "create_bd_cell: no IP core [option $given -vlnv]" }
      dict set cells $name [dict get $facts::cores $core]
      foreach {key value} [dict get $facts::cores $core properties] {
        dict set config $name $key [lindex $value 1]
      }
    }
    module { dict set cells $name [referenced_module [option $given -reference]] }
    default { fault "create_bd_cell: -type must be ip or module" }
  }
  return cell:$name
}

# A module of the project as a cell: interfaces are inferred from the names of its ports.
proc referenced_module {module} {
  variable files
  foreach path $files {
    set in [open $path]
    set text [read $in]
    close $in
    if {![regexp "\\ymodule\\s+$module\\s*\\(" $text]} { continue }
    if {[file extension $path] ne ".v"} {
      fault "create_bd_cell: the file of module $module must be Verilog, not [file tail $path]"
    }
    return [infer_ports $module $text]
  }
  fault "create_bd_cell: no file of the project holds a module $module"
}
proc infer_ports {module text} {
  set ports {}
  foreach {-> way name} [regexp -all -inline {\y(input|output)\s+wire\s+(?:\[[^]]*\]\s*)?(\w+)} $text] {
    if {[regexp {^([sm]_axi)_(\w+)$} $name -> interface signal]} {
      dict lappend signals $interface $signal
    } else {
      lappend ports [expr {$way eq "input" ? "in" : "out"}] $name - {}
    }
  }
  set busses {}
  regexp {ASSOCIATED_BUSIF ([\w:]+)} $text -> busses
  foreach interface {s_axi m_axi} kind {slave master} {
    if {![info exists signals] || ![dict exists $signals $interface]} { continue }
    foreach signal {awaddr awvalid awready wdata wstrb wvalid wready bresp bvalid bready araddr arvalid
                    arready rdata rresp rvalid rready} {
      if {$signal ni [dict get $signals $interface]} { fault "module $module: ${interface}_$signal is missing" }
    }
    if {$interface eq "m_axi"} {
      foreach signal {awlen awsize awburst wlast arlen arsize arburst rlast} {
        if {$signal ni [dict get $signals $interface]} { fault "module $module: ${interface}_$signal is missing" }
      }
    }
    if {$interface ni [split $busses :]} { fault "module $module: no clock is associated with $interface" }
    lappend ports $kind $interface - aclk
  }
  return [dict create version 1.0 properties {} ports $ports preset {}]
}

proc core_of {name} {
  variable cells
  if {![dict exists $cells $name]} { fault "no cell $name in the block design" }
  return [dict get $cells $name]
}
# Ports of a cell that its properties switch on: name -> {kind clock}.
proc ports_of {name} {
  variable config
  set active {}
  foreach {kind port condition clock} [dict get [core_of $name] ports] {
    if {$condition eq "-" || [dict get $config $name $condition] == 1} {
      dict set active $port [list $kind $clock]
    }
  }
  return $active
}
proc find_port {command path kinds} {
  lassign [split $path /] cell port
  set active [ports_of $cell]
  if {![dict exists $active $port] || [lindex [dict get $active $port] 0] ni $kinds} {
    fault "$command: cell $cell has no such pin, or it is switched off: $port"
  }
  return $path
}

proc apply_bd_automation {given rest} {
  variable board
  variable config
  set rule [option $given -rule]
  if {![dict exists $facts::rules $rule]} { fault "apply_bd_automation: no rule $rule" }
  dict for {key value} [option $given -config] {
    if {$key ni [dict get $facts::rules $rule]} { fault "apply_bd_automation: rule $rule has no $key" }
  }
  if {[dict get [option $given -config] apply_board_preset]} {
    if {$board eq ""} { fault "apply_bd_automation: no board is set whose preset could be applied" }
    set name [lindex [split $rest :] 1]
    foreach {key value} [dict get [core_of $name] preset] { dict set config $name $key $value }
  }
}
proc get_bd_cells {given rest} {
  foreach name [concat {*}$rest] { core_of $name; lappend found cell:$name }
  return $found
}
proc get_bd_pins {given rest} {
  foreach path [concat {*}$rest] { lappend found pin:[find_port get_bd_pins $path {in out opt}] }
  return $found
}
proc get_bd_intf_pins {given rest} {
  foreach path [concat {*}$rest] { lappend found intf:[find_port get_bd_intf_pins $path {master slave}] }
  return $found
}
proc connect_bd_net {given rest} {
  variable nets
  set pins [concat {*}$rest]
  set drivers {}
  foreach pin $pins {
    set path [string range $pin 4 end]
    lassign [split $path /] cell port
    if {[lindex [dict get [ports_of $cell] $port] 0] eq "out"} { lappend drivers $path; continue }
    if {[dict exists $nets $path]} { fault "connect_bd_net: $path is connected already" }
  }
  if {[llength $drivers] != 1} { fault "connect_bd_net: [llength $drivers] drivers among $pins" }
  foreach pin $pins { dict set nets [string range $pin 4 end] [lindex $drivers 0] }
}
proc connect_bd_intf_net {given rest} {
  variable interfaces
  foreach object $rest {
    set path [string range $object 5 end]
    lassign [split $path /] cell port
    lappend kinds [lindex [dict get [ports_of $cell] $port] 0]
    if {[dict exists $interfaces $path]} { fault "connect_bd_intf_net: $path is connected already" }
    lappend paths $path
  }
  if {[lsort $kinds] ne {master slave}} { fault "connect_bd_intf_net: $paths are not a master and a slave" }
  dict set interfaces [lindex $paths 0] [lindex $paths 1]
  dict set interfaces [lindex $paths 1] [lindex $paths 0]
}

# ---- addresses: the masters are the processing system and the module; SmartConnect hands through

proc reached_slave {master} {
  variable interfaces
  while {[dict exists $interfaces $master]} {
    set slave [dict get $interfaces $master]
    lassign [split $slave /] cell port
    if {$port ne "S00_AXI"} { return $slave }
    set master $cell/M00_AXI
  }
  return ""
}
# Address space to the interface that reaches out of it.
proc space_master {space} {
  lassign [split $space /] cell port
  if {$port ne "Data"} { return [find_port get_bd_addr_spaces $space master] }
  dict for {port value} [ports_of $cell] {
    if {[lindex $value 0] eq "master"} { return $cell/$port }
  }
  fault "get_bd_addr_spaces: $cell has no master port"
}
proc get_bd_addr_spaces {given rest} { space_master $rest; return space:$rest }
proc get_bd_addr_segs {given rest} {
  variable segments
  set objects [option $given -of_objects]
  if {$objects ne ""} {
    set space [string range $objects 6 end]
    return [expr {[dict exists $segments $space] ? [dict get $segments $space] : ""}]
  }
  lassign [split [lindex $rest 0] /] cell interface
  return seg:[find_port get_bd_addr_segs $cell/$interface slave]/reg0
}
proc assign_bd_address {given rest} {
  variable segments
  variable cells
  if {$rest ne ""} {
    set space [string range [option $given -target_address_space] 6 end]
    set slave [string range [file dirname $rest] 4 end]
    if {[reached_slave [space_master $space]] ne $slave} {
      fault "assign_bd_address: $slave is not reached from $space"
    }
    dict set segments $space [list $slave [option $given -offset] [option $given -range]]
    return
  }
  foreach cell [dict keys $cells] {
    dict for {port value} [ports_of $cell] {
      if {[lindex $value 0] ne "master" || [string match M?*_AXI $port] && $port eq "M00_AXI"} { continue }
      set space [expr {[dict get [core_of $cell] preset] ne "" ? "$cell/Data" : "$cell/$port"}]
      set slave [reached_slave $cell/$port]
      if {![dict exists $segments $space] && $slave ne ""} { dict set segments $space [list $slave auto auto] }
    }
  }
}

proc validate_bd_design {given rest} {
  variable cells
  variable nets
  variable interfaces
  variable segments
  variable state validated
  foreach cell [dict keys $cells] {
    set active [ports_of $cell]
    dict for {port value} $active {
      lassign $value kind clock
      set path $cell/$port
      if {$kind eq "in" && ![dict exists $nets $path]} { fault "validate_bd_design: $path is not connected" }
      if {$kind in {master slave} && ![dict exists $interfaces $path]} {
        fault "validate_bd_design: interface $path is not connected"
      }
      if {$kind eq "master"} { same_clock $path }
    }
  }
  foreach {path peer} $interfaces {
    if {[dict exists $cells [lindex [split $path /] 0]] && [reached_slave $path] eq "" \
        && [lindex [dict get [ports_of [lindex [split $path /] 0]] [lindex [split $path /] 1]] 0] eq "master"} {
      fault "validate_bd_design: $path leads nowhere"
    }
  }
}
proc same_clock {master} {
  variable nets
  variable interfaces
  set drivers {}
  foreach path [list $master [dict get $interfaces $master]] {
    lassign [split $path /] cell port
    lappend drivers [dict get $nets $cell/[lindex [dict get [ports_of $cell] $port] 1]]
  }
  if {[lindex $drivers 0] ne [lindex $drivers 1]} { fault "validate_bd_design: two clocks at $master: $drivers" }
}
proc save_bd_design {given rest} {
  variable design
  variable name
  variable project
  variable files
  set folder $project/$name.srcs/sources_1/bd/$design
  file mkdir $folder
  close [open $folder/$design.bd w]
  lappend files $folder/$design.bd
}
}
