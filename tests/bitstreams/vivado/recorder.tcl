# SPDX-License-Identifier: Apache-2.0
# Stands in for Vivado: runs a script with Vivado's commands, keeps the block design as Vivado would,
# and stops at what Vivado would refuse.
#
#   tclsh recorder.tcl SCRIPT [KEY VALUE ...]
#
# Scenario keys: release (of Vivado), boards (board parts installed), cores (IP cores known; all if
# absent), versions (installed ones of a core, where not that of the table), wns, whs, progress (what
# the implementation run ends with). One line a call on standard output; a refusal is
# `FAULT: ...` on standard error with exit status 3.

source [file join [file dirname [info script]] facts.tcl]

namespace eval recorder {

variable scenario {release 2024.1 versions {} boards {} wns 0.5 whs 0.1 progress 100%}
variable project {} part {} board {} files {} design {} cells {} config {} nets {} interfaces {}
variable segments {} top {} state {} spaces {}

proc fault {message} {
  puts stderr "FAULT: $message"
  flush stderr
  exit 3
}

# Splits the words of a call into a dictionary of options and a list of the rest.
proc split_words {command words} {
  lassign [dict get $facts::commands $command] options fewest most
  set options [concat $options {-quiet 0 -verbose 0}]
  set given {}
  set rest {}
  for {set i 0} {$i < [llength $words]} {incr i} {
    set word [lindex $words $i]
    if {[string match {-[a-z]*} $word]} {
      if {![dict exists $options $word]} { fault "$command: unknown option $word" }
      if {[dict get $options $word]} {
        incr i
        if {$i >= [llength $words]} { fault "$command: $word needs a value" }
        dict set given $word [lindex $words $i]
      } else {
        dict set given $word 1
      }
    } else {
      lappend rest $word
    }
  }
  set count [llength $rest]
  if {$count < $fewest || ($most >= 0 && $count > $most)} {
    fault "$command: $count arguments besides options, allowed $fewest to $most: $rest"
  }
  return [list $given $rest]
}

proc option {given name {default ""}} {
  return [expr {[dict exists $given $name] ? [dict get $given $name] : $default}]
}

# ---- project and files

proc create_project {given rest} {
  variable project [lindex $rest 1]
  variable part [option $given -part]
  variable name [lindex $rest 0]
  if {![regexp {^xc(7z|zu|k26)} $part]} { fault "create_project: no such part: $part" }
  file mkdir $project
  return $name
}
proc current_project {given rest} { return project: }
proc current_fileset {given rest} { return fileset:sources_1 }
proc version {given rest} {
  variable scenario
  return [dict get $scenario release]
}
proc get_board_parts {given rest} {
  variable scenario
  set found {}
  foreach board [dict get $scenario boards] {
    foreach pattern $rest { if {[string match $pattern $board]} { lappend found $board } }
  }
  return $found
}
proc get_ipdefs {given rest} {
  variable scenario
  if {![regexp {^NAME == (\w+)$} [option $given -filter] -> core]} { fault "get_ipdefs: filter not understood" }
  if {![dict exists $facts::cores $core]} { fault "get_ipdefs: no IP core $core" }
  if {[dict exists $scenario cores] && $core ni [dict get $scenario cores]} { return {} }
  return [lmap version [versions_of $core] { string cat xilinx.com:ip:$core:$version }]
}
proc versions_of {core} {
  variable scenario
  set versions [dict get $scenario versions]
  return [expr {[dict exists $versions $core] ? [dict get $versions $core] : [dict get $facts::cores $core version]}]
}
proc add_files {given rest} {
  variable files
  foreach path [concat {*}$rest] {
    if {![file isfile $path]} { fault "add_files: no such file: $path" }
    # A memory image that synthesis could not open would leave an empty memory and only a warning.
    set in [open $path]
    foreach {-> image} [regexp -all -inline {"([^"\n]+\.(?:hex|mem|dat))"} [read $in]] {
      if {[file pathtype $image] ne "absolute" || ![file isfile $image]} {
        fault "add_files: $path names a memory image that is not there: $image"
      }
    }
    close $in
    lappend files $path
  }
}
proc get_files {given rest} {
  variable files
  set found {}
  foreach path $files { if {[file tail $path] in $rest} { lappend found file:$path } }
  if {$found eq ""} { fault "get_files: no file of the project matches $rest" }
  return $found
}
proc update_compile_order {given rest} {
  if {[option $given -fileset] ni {sources_1 sim_1}} { fault "update_compile_order: no such fileset" }
}

# ---- properties

proc set_property {given rest} {
  if {[dict exists $given -dict]} {
    set objects [lindex $rest 0]
    foreach {key value} [dict get $given -dict] { set_one $key $value $objects }
  } else {
    lassign $rest key value objects
    set_one $key $value $objects
  }
}
proc set_one {key value objects} {
  variable board
  variable part
  variable top
  variable config
  if {$objects eq ""} { fault "set_property $key: no object" }
  foreach object $objects {
    lassign [split $object :] kind name
    if {$kind eq "cell"} {
      if {![regexp {^CONFIG\.(.+)$} $key -> key]} { fault "set_property: $key is no property of cell $name" }
      set known [dict get [core_of $name] properties]
      if {![dict exists $known $key]} { fault "set_property: cell $name has no property CONFIG.$key" }
      set legal [lindex [dict get $known $key] 0]
      dict set config $name $key $value
    } else {
      if {![dict exists $facts::properties $kind $key]} { fault "set_property: a $kind has no property $key" }
      set legal [dict get $facts::properties $kind $key]
      if {$key eq "board_part"} { set board $value }
      if {$key eq "top"} { set top $value }
      if {$key eq "include_dirs"} {
        foreach path $value { if {![file isdirectory $path]} { fault "set_property: no folder $path" } }
      }
    }
    if {![regexp "^(?:$legal)\$" $value]} { fault "set_property: $key cannot be $value; allowed: $legal" }
  }
}
proc get_property {given rest} {
  variable part
  variable scenario
  variable state
  lassign $rest key object
  switch -glob $object:$key {
    project::PART { return $part }
    run:impl_1:STATUS { return "write_bitstream ERROR" }
    run:impl_1:PROGRESS - run:impl_1:STATS.W?S {
      if {$state ni {done open}} { fault "get_property $key: the run has not ended" }
      return [dict get $scenario [string map {stats. {}} [string tolower $key]]]
    }
    default { fault "get_property: $object has no property $key" }
  }
}

# ---- runs

proc generate_target {given rest} {
  variable state
  if {$state ne "validated"} { fault "generate_target: the block design is not validated" }
}
proc make_wrapper {given rest} {
  variable project
  variable name
  variable design
  if {![dict exists $given -top]} { fault "make_wrapper: -top is missing" }
  set folder $project/$name.gen/sources_1/bd/$design
  file mkdir $folder/hdl $folder/hw_handoff
  set out [open $folder/hw_handoff/$design.hwh w]
  puts $out "<EDKSYSTEM/>"
  close $out
  set path $folder/hdl/${design}_wrapper.v
  set out [open $path w]
  puts $out "module ${design}_wrapper (); endmodule"
  close $out
  return $path
}
proc get_runs {given rest} {
  if {$rest ni {synth_1 impl_1}} { fault "get_runs: no run $rest" }
  return run:$rest
}
proc launch_runs {given rest} {
  variable state
  variable top
  variable design
  if {$state ne "validated"} { fault "launch_runs: the block design is not validated" }
  if {$top ne "${design}_wrapper"} { fault "launch_runs: the top module is '$top'" }
  if {[option $given -to_step write_bitstream] ne "write_bitstream"} { fault "launch_runs: no such step" }
  if {![string is integer -strict [option $given -jobs 1]]} { fault "launch_runs: -jobs must be a number" }
  set state launched
}
proc wait_on_run {given rest} {
  variable state
  variable project
  variable name
  variable top
  variable scenario
  if {$state ne "launched"} { fault "wait_on_run: nothing was launched" }
  set state done
  if {[dict get $scenario progress] eq "100%"} {
    file mkdir $project/$name.runs/impl_1
    set out [open $project/$name.runs/impl_1/$top.bit w]
    puts $out bitstream
    close $out
  }
}
proc open_run {given rest} {
  variable state
  variable scenario
  if {$state ne "done" || [dict get $scenario progress] ne "100%"} { fault "open_run: no finished run" }
  set state open
}
# Clocks that the cores' own constraints declare, by the names that these give them.
proc get_clocks {given rest} {
  variable cells
  variable state
  if {$state ne "open"} { fault "get_clocks: no open design" }
  set found {}
  foreach cell [dict keys $cells] {
    foreach port [dict keys [ports_of $cell]] {
      foreach {pattern family} {{^FCLK_CLK(\d)$} clk_fpga_ {^pl_clk(\d)$} clk_pl_} {
        if {[regexp $pattern $port -> n] && "$family$n" eq $rest} { lappend found clock:$family$n }
      }
    }
  }
  return $found
}
foreach report {report_timing_summary report_utilization report_power report_drc} {
  proc $report {given rest} {
    variable state
    if {$state ne "open"} { fault "a report needs an open design" }
    set path [option $given -file]
    if {$path eq ""} { fault "a report goes to a file here" }
    close [open $path w]
  }
}
}

source [file join [file dirname [info script]] block_design.tcl]

foreach command [dict keys $facts::commands] {
  proc ::$command {args} [string map [list COMMAND $command] {
    lassign [recorder::split_words COMMAND $args] given rest
    puts "COMMAND $args"
    return [recorder::COMMAND $given $rest]
  }]
}

# A misspelt command is a fault like any other, not the start of a program of that name.
proc ::unknown {command args} { recorder::fault "no such command: $command" }

set recorder::scenario [dict merge $recorder::scenario [lrange $argv 1 end]]
set script [lindex $argv 0]
set argv {}
set argc 0
if {[catch {source $script} message]} { recorder::fault "$message\n$errorInfo" }
