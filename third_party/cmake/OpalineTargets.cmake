option(OPALINE_PRECOMPILED_HEADERS "Build faster with precompiled headers (clang-tidy cannot read GCC's)" OFF)

# opaline_precompile(TARGET PRIVATE headers... | REUSE_FROM target): large headers of others that most files of a target
# include.
function(opaline_precompile target)
  if(OPALINE_PRECOMPILED_HEADERS)
    target_precompile_headers(${target} ${ARGN})
  endif()
endfunction()

# opaline_layer(NAME SOURCES ... [PUBLIC targets...] [PRIVATE targets...]): one static library a layer.
add_library(opaline_warnings INTERFACE)
target_compile_options(opaline_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                                                  -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Wformat=2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlaps in its own std::string that are not there (GCC bug 105651).
  target_compile_options(opaline_warnings INTERFACE -Wno-restrict)
endif()

function(opaline_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(opaline_${name} STATIC ${arg_SOURCES})
  add_library(opaline::${name} ALIAS opaline_${name})
  set_target_properties(opaline_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(opaline_${name} PUBLIC cxx_std_20)
  target_include_directories(opaline_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>
                                                    $<INSTALL_INTERFACE:include>)
  target_link_libraries(opaline_${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE}
                                               $<BUILD_INTERFACE:opaline_warnings>)
  set_property(GLOBAL APPEND PROPERTY OPALINE_LAYERS opaline_${name})
endfunction()

# Most of a build is tests, whose own code need not be fast.
# (GCC 12 then sees accesses beyond its own std::string that are not there.)
set(OPALINE_TEST_OPTIONS $<$<CONFIG:Release>:-O1>
                         $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-array-bounds$<SEMICOLON>-Wno-stringop-overflow>)

# opaline_test(NAME SOURCES ... LIBRARIES ... [LABELS ...]): one Catch2 program, registered with ctest.
# opaline_data_test, opaline_ifma_test, opaline_release_test: the same for a program that needs the data sets at
# OPALINE_DATA, AVX-512 IFMA, or a build without assertions, and reports itself as skipped without.
function(opaline_catch_program name needs)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(slow IN_LIST arg_LABELS AND NOT OPALINE_BUILD_SLOW_TESTS)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/needs_${needs}.cpp)
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} opaline_test_main opaline_warnings)
  target_compile_options(${name} PRIVATE ${OPALINE_TEST_OPTIONS})
  opaline_precompile(${name} REUSE_FROM opaline_test_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" SKIP_RETURN_CODE 77)
endfunction()

function(opaline_test name)
  opaline_catch_program(${name} nothing ${ARGN})
endfunction()

function(opaline_data_test name)
  opaline_catch_program(${name} data ${ARGN})
endfunction()

function(opaline_ifma_test name)
  opaline_catch_program(${name} ifma ${ARGN})
endfunction()

function(opaline_release_test name)
  opaline_catch_program(${name} release ${ARGN})
endfunction()
