# The install tree. It needs neither the build tree nor the packages convc is built with: the shared
# libraries the tool loads (libHalide, libLLVM and theirs) are beside it, in LIBDIR/convc; only the
# C and C++ system libraries are the machine's.
include(CMakePackageConfigHelpers)

set(CONVC_INSTALL_CMAKEDIR "${CMAKE_INSTALL_LIBDIR}/cmake/convc")
set(CONVC_INSTALL_PRIVATEDIR "${CMAKE_INSTALL_LIBDIR}/convc")

add_library(convc::runtime ALIAS convc_runtime)
add_library(convc::reference ALIAS convc_reference)
add_executable(convc::convc ALIAS convc)

file(RELATIVE_PATH _convc_to_private
  "/${CMAKE_INSTALL_BINDIR}" "/${CONVC_INSTALL_PRIVATEDIR}")
set_target_properties(convc PROPERTIES INSTALL_RPATH "$ORIGIN/${_convc_to_private}")
# DT_RPATH, not DT_RUNPATH: it also holds for what libLLVM itself loads.
target_link_options(convc PRIVATE LINKER:--disable-new-dtags)

install(TARGETS convc convc_runtime convc_reference
  EXPORT convcTargets
  RUNTIME_DEPENDENCY_SET convc_libraries
  RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(RUNTIME_DEPENDENCY_SET convc_libraries
  PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread|gcc_s|stdc\\+\\+)\\.so"
  DESTINATION "${CONVC_INSTALL_PRIVATEDIR}")
# Debian's libLLVM looks for its own libraries in its own place, whatever the tool says.
install(CODE "
  set(directory \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CONVC_INSTALL_PRIVATEDIR}\")
  file(GLOB llvm_libraries \"\${directory}/libLLVM*.so*\")
  foreach(library IN LISTS llvm_libraries)
    if(NOT IS_SYMLINK \"\${library}\")
      file(RPATH_SET FILE \"\${library}\" NEW_RPATH \"\\$ORIGIN\")
    endif()
  endforeach()")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime/include/"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

install(EXPORT convcTargets NAMESPACE convc:: DESTINATION "${CONVC_INSTALL_CMAKEDIR}")
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/convcConfig.cmake.in" "${PROJECT_BINARY_DIR}/convcConfig.cmake"
  INSTALL_DESTINATION "${CONVC_INSTALL_CMAKEDIR}")
# Before 1.0 a minor release may change the spec language or the C interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/convcConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/convcConfig.cmake"
  "${PROJECT_BINARY_DIR}/convcConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/ConvcAddLibrary.cmake"
  DESTINATION "${CONVC_INSTALL_CMAKEDIR}")

file(RELATIVE_PATH CONVC_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" CONVC_PC_TO_PREFIX "${CONVC_PC_TO_PREFIX}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/convc.pc.in" "${PROJECT_BINARY_DIR}/convc.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/convc.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}")
