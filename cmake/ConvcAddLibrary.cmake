# convc_add_library(NAME SPECS FILE.conv... [TARGETS TARGET...] [SCHEDULE auto|naive|PLANFILE])
#
# Compiles layer specs while your project builds. The library target NAME brings the header NAME.h
# and what it needs to link (convc::runtime, threads):
#
#   convc_add_library(edges SPECS edges.conv TARGETS avx2 avx512)
#   target_link_libraries(my_program PRIVATE edges)
#
# NAME      library and target name, a C identifier: the library is libNAME.a, its functions begin
#           with NAME_.
# SPECS     spec files, relative to the current source directory. A spec may be made by a custom
#           command; then it is relative to the current binary directory.
# TARGETS   Halide target strings or convc's short names; default: this machine. Several targets go
#           into one library, which picks at run time.
# SCHEDULE  as `convc compile --schedule`; a plan file is relative to the current source directory.
#
# The library is built again when a spec, the plan file or the compiler itself is newer. The target
# is IMPORTED, so it can be linked to but not installed; its files (libNAME.a, NAME.h, NAME.json)
# are in ${CMAKE_CURRENT_BINARY_DIR}/convc/NAME.
#
# Works in convc's own tree and from an installed package, with Ninja and Make; C suffices.
include_guard()

function(convc_add_library name)
  set(known "SPECS, TARGETS, SCHEDULE")
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SCHEDULE" "SPECS;TARGETS")
  # A keyword that is not known lands among the values of the one before it.
  set(unknown ${arg_UNPARSED_ARGUMENTS})
  foreach(value IN LISTS arg_SPECS arg_TARGETS)
    if(value MATCHES "^[A-Z][A-Z0-9_]*$")
      list(APPEND unknown "${value}")
    endif()
  endforeach()
  if(unknown)
    list(JOIN unknown ", " unknown)
    message(FATAL_ERROR "convc_add_library(${name}): unknown arguments: ${unknown}. "
      "Known are: ${known}.")
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    list(JOIN arg_KEYWORDS_MISSING_VALUES ", " missing)
    message(FATAL_ERROR "convc_add_library(${name}): ${missing} has no value.")
  endif()
  if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "convc_add_library(${name}): the name begins the names of C functions, so "
      "it consists of letters, digits and underscores, and does not begin with a digit.")
  endif()
  if(TARGET ${name})
    message(FATAL_ERROR "convc_add_library(${name}): there is already a target of this name.")
  endif()
  if(NOT arg_SPECS)
    message(FATAL_ERROR "convc_add_library(${name}): SPECS is missing: name one or more .conv files.")
  endif()
  if(CMAKE_CROSSCOMPILING AND NOT arg_TARGETS)
    message(FATAL_ERROR "convc_add_library(${name}): you are cross-compiling, so TARGETS must say "
      "for what; without it, the library is for this machine.")
  endif()

  set(specs)
  foreach(spec IN LISTS arg_SPECS)
    if(NOT spec MATCHES "\\.conv$")
      message(FATAL_ERROR "convc_add_library(${name}): ${spec} is not a spec: its name does not end "
        "in .conv.")
    endif()
    get_filename_component(path "${spec}" ABSOLUTE)
    if(NOT EXISTS "${path}" OR IS_DIRECTORY "${path}")
      # Perhaps another command makes it.
      get_filename_component(made "${spec}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
      get_source_file_property(is_made "${made}" GENERATED)
      if(NOT is_made)
        message(FATAL_ERROR "convc_add_library(${name}): there is no file ${path}.")
      endif()
      set(path "${made}")
    endif()
    list(APPEND specs "${path}")
  endforeach()

  set(options)
  set(plan_file)
  if(arg_TARGETS)
    list(JOIN arg_TARGETS "," targets)
    list(APPEND options --target "${targets}")
  endif()
  if(DEFINED arg_SCHEDULE)
    set(schedule "${arg_SCHEDULE}")
    if(NOT schedule MATCHES "^(auto|naive)$")
      get_filename_component(plan_file "${schedule}" ABSOLUTE)
      if(NOT EXISTS "${plan_file}" OR IS_DIRECTORY "${plan_file}")
        message(FATAL_ERROR "convc_add_library(${name}): SCHEDULE ${schedule} is neither auto nor "
          "naive nor a plan file (there is no file ${plan_file}).")
      endif()
      set(schedule "${plan_file}")
    endif()
    list(APPEND options --schedule "${schedule}")
  endif()

  set(directory "${CMAKE_CURRENT_BINARY_DIR}/convc/${name}")
  set(archive "${directory}/lib${name}.a")
  # Imported targets want their include directory to exist when CMake runs.
  file(MAKE_DIRECTORY "${directory}")
  # Ninja wants the first output to be the one that the dependency file names first.
  set(outputs "${directory}/${name}.h" "${directory}/${name}.json" "${archive}")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND convc::convc compile ${specs} -o "${directory}" --name ${name} ${options}
            --depfile "${directory}/${name}.d"
    DEPENDS ${specs} ${plan_file} "$<TARGET_FILE:convc::convc>"
    DEPFILE "${directory}/${name}.d"
    COMMENT "Compiling convolutions: ${name}"
    VERBATIM)
  add_custom_target(${name}_convc DEPENDS ${outputs})

  add_library(${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION "${archive}"
    INTERFACE_INCLUDE_DIRECTORIES "${directory}"
    INTERFACE_LINK_LIBRARIES "convc::runtime;Threads::Threads")
  add_dependencies(${name} ${name}_convc)
endfunction()
