# davit_add_plugin(NAME SOURCES a.cpp … [LIBS x …])
#   a plugin NAME.so in ${CMAKE_BINARY_DIR}/plugins that exports davit_plugin_entry and nothing else, with every symbol
#   resolved when it is linked and when it is loaded. The target is called plugin_NAME.
#
# davit_check_plugin(NAME [ARGS --config {…} …])
#   two tests for ctest: the conformance suite against NAME.so in process, and over HTTP in a process of its own. ARGS are
#   further arguments of `davit plugin check`. Most drivers need root. Only after find_package(DavitSdk).
# davit_package_plugin(NAME)
#   a target NAME_package: the folder package/NAME of a managed plugin, for `davit plugin create` and `docker plugin create`. Only after
#   find_package(DavitSdk).
#
# Works in davit's own tree and after find_package(DavitSdk). C++ sources need C++20; C sources get plugin.h alone.

function(davit_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "davit_add_plugin(${name}): no SOURCES")
  endif()
  set(target plugin_${name})
  add_library(${target} MODULE ${ARG_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
  target_compile_features(${target} PRIVATE c_std_99 cxx_std_20)
  target_link_libraries(${target} PRIVATE ${ARG_LIBS} Davit::sdk)
  # A sanitizer's runtime is resolved by the executable that loads the plugin.
  if(NOT DAVIT_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  target_link_options(${target} PRIVATE -Wl,-z,now -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map)
endfunction()

function(davit_check_plugin name)
  cmake_parse_arguments(ARG "" "" "ARGS" ${ARGN})
  if(NOT DAVIT_PROGRAM)
    message(FATAL_ERROR "davit_check_plugin(${name}): no davit program; set DAVIT_PROGRAM")
  endif()
  foreach(transport in-process process)
    add_test(NAME ${name}_${transport} COMMAND ${DAVIT_PROGRAM} plugin check --transport ${transport} ${ARG_ARGS}
      $<TARGET_FILE:plugin_${name}>)
    set_tests_properties(${name}_${transport} PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()

function(davit_package_plugin name)
  if(NOT DAVIT_PROGRAM)
    message(FATAL_ERROR "davit_package_plugin(${name}): no davit program; set DAVIT_PROGRAM")
  endif()
  set(folder ${CMAKE_BINARY_DIR}/package/${name})
  add_custom_target(${name}_package
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/package
    COMMAND ${DAVIT_PROGRAM} plugin package --output ${folder} $<TARGET_FILE:plugin_${name}>
    VERBATIM)
  add_dependencies(${name}_package plugin_${name})
endfunction()
