# install + find_package(opaline).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY OPALINE_LAYERS)
install(TARGETS ${layers} EXPORT opalineTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY lib/opaline DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h"
        PATTERN kernels EXCLUDE PATTERN onnx EXCLUDE)
install(EXPORT opalineTargets NAMESPACE opaline:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/opaline)

configure_package_config_file(third_party/cmake/opalineConfig.cmake.in opalineConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/opaline)
write_basic_package_version_file(opalineConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/opalineConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/opalineConfigVersion.cmake
              third_party/cmake/FindGMP.cmake third_party/cmake/FindLBFGS.cmake
              third_party/cmake/FindCSV.cmake third_party/cmake/FindPrometheusCpp.cmake third_party/cmake/OpalineDependencies.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/opaline)
if(TARGET opaline_command)
  install(TARGETS opaline_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
