# Clients of the tests that start processes.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
find_package(Boost REQUIRED COMPONENTS program_options)
add_executable(failover_client failover_client.cc)
target_link_libraries(failover_client PRIVATE understudy_linearizability PkgConfig::HIREDIS
  Boost::program_options Threads::Threads)

# Tests that start nodes: understudy_process_test(<name> <seconds> <processors> [NAME=VALUE...]); the
# script is <name>.sh, without what is behind a '.' in the name. Exit status 77 means skipped; the test
# says why.
function(understudy_process_test name timeout processors)
  string(REGEX REPLACE "\\..*" "" script ${name})
  add_test(NAME ${name} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script}.sh)
  set_tests_properties(${name} PROPERTIES LABELS process TIMEOUT ${timeout}
    PROCESSORS ${processors} SKIP_RETURN_CODE 77
    ENVIRONMENT "UNDERSTUDY_BUILD=${CMAKE_BINARY_DIR};${ARGN}")
endfunction()
understudy_process_test(show 120 1)
understudy_process_test(failover 300 2)
understudy_process_test(failover.everysec 200 2 KILLS=4 "SERVER_OPTIONS=--appendfsync everysec")
understudy_process_test(failover.memory 200 2 KILLS=4 "SERVER_OPTIONS=--appendonly no")
understudy_process_test(pause 180 1)
understudy_process_test(restart_all 240 2)
understudy_process_test(rooms 120 1)
understudy_process_test(clusters 180 2)
understudy_process_test(chat_failover 180 2)
understudy_process_test(plugin 180 1)
understudy_process_test(original 180 1)
understudy_process_test(snapshots 240 2)
understudy_process_test(old_global 120 1)
understudy_process_test(blocking 120 1)
understudy_process_test(disk 120 1)
understudy_process_test(partitions 120 1)
understudy_process_test(backpressure 180 2)
understudy_process_test(clocks 120 1)
understudy_process_test(combinations 180 2)
understudy_process_test(long_command 180 1)

# A disk that fails and a clock that jumps when they are told.
foreach(library faulty_disk faulty_clock)
  add_library(${library} MODULE ${library}.cc)
  set_target_properties(${library} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_link_libraries(${library} PRIVATE ${CMAKE_DL_LIBS})
endforeach()

# Whether scripts/failover.sh works, and no client sees an error; not how fast anything is.
add_test(NAME failover_times
  COMMAND ${CMAKE_SOURCE_DIR}/scripts/failover.sh --kills 8 --handovers 8 --freezes 2)
set_tests_properties(failover_times PROPERTIES LABELS process TIMEOUT 180 PROCESSORS 2
  ENVIRONMENT "UNDERSTUDY_BUILD=${CMAKE_BINARY_DIR};UNDERSTUDY_NO_BUILD=1")

add_executable(hostile_client hostile_client.cc)
target_link_libraries(hostile_client PRIVATE Boost::program_options Threads::Threads)
understudy_process_test(hostile 240 2)

# Command scripts: one test for each kind of server they run against.
add_library(resp_client STATIC resp_client.cc)
add_executable(commands_runner commands_runner.cc)
target_link_libraries(commands_runner PRIVATE resp_client)
foreach(mode redis single global local)
  add_test(NAME commands_${mode} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/commands.sh ${mode})
  set_tests_properties(commands_${mode} PROPERTIES LABELS process TIMEOUT 180
    SKIP_RETURN_CODE 77 ENVIRONMENT "UNDERSTUDY_BUILD=${CMAKE_BINARY_DIR}")
endforeach()

# Random commands, replies compared with redis-server's.
add_executable(differential_client differential_client.cc)
target_link_libraries(differential_client PRIVATE resp_client)
foreach(mode single local)
  add_test(NAME differential_${mode} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/differential.sh ${mode})
  set_tests_properties(differential_${mode} PROPERTIES LABELS process TIMEOUT 180
    SKIP_RETURN_CODE 77 ENVIRONMENT "UNDERSTUDY_BUILD=${CMAKE_BINARY_DIR}")
endforeach()

# Client libraries.
pkg_check_modules(LIBEVENT REQUIRED IMPORTED_TARGET libevent)
add_executable(hiredis_client clients/hiredis_client.cc)
target_link_libraries(hiredis_client PRIVATE PkgConfig::HIREDIS PkgConfig::LIBEVENT)
# The adapter is inline C in a header of hiredis.
target_compile_options(hiredis_client PRIVATE -Wno-pedantic -Wno-unused-function)
foreach(client python ioredis node_redis hiredis)
  add_test(NAME client_${client}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/clients/run.sh ${client})
  set_tests_properties(client_${client} PROPERTIES LABELS "process;client" TIMEOUT 420
    SKIP_RETURN_CODE 77 ENVIRONMENT "UNDERSTUDY_BUILD=${CMAKE_BINARY_DIR}")
endforeach()

find_program(SHELLCHECK shellcheck)
if(SHELLCHECK)
  file(GLOB SHELL_SCRIPTS ${CMAKE_SOURCE_DIR}/scripts/*.sh ${CMAKE_CURRENT_SOURCE_DIR}/*.sh
    ${CMAKE_CURRENT_SOURCE_DIR}/*/*.sh)
  add_test(NAME shellcheck COMMAND ${SHELLCHECK} ${SHELL_SCRIPTS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endif()

# Whether the benchmark works; not how fast anything is.
add_test(NAME bench_smoke COMMAND ${CMAKE_SOURCE_DIR}/scripts/bench.sh --quick)
set_tests_properties(bench_smoke PROPERTIES LABELS process TIMEOUT 300 PROCESSORS 2
  ENVIRONMENT "UNDERSTUDY_BUILD=${CMAKE_BINARY_DIR};UNDERSTUDY_NO_BUILD=1")
