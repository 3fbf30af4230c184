# What `cmake --install` puts where, and the target `programs`: what must be built for it. The layout is one that davitd finds
# by itself from its own place: ../libexec/davit and ../lib/davit/plugins. The SDK's part is in sdk/CMakeLists.txt.
add_custom_target(programs)

function(davit_install_program name destination)
  if(TARGET ${name})
    add_dependencies(programs ${name})
    install(TARGETS ${name} RUNTIME DESTINATION ${destination})
  endif()
endfunction()

davit_install_program(davit bin)
davit_install_program(davitd sbin)
davit_install_program(davit-shim libexec/davit)
davit_install_program(davit-runtime libexec/davit)
davit_install_program(davit-init libexec/davit)
davit_install_program(davit-plugin-host libexec/davit)
davit_install_program(davit-plugin-check libexec/davit)
davit_install_program(davit-dial-tls libexec/davit)

# Every plugin that a folder below plugins/ declares.
function(davit_install_plugins directory)
  get_property(targets DIRECTORY ${directory} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL MODULE_LIBRARY)
      add_dependencies(programs ${target})
      install(TARGETS ${target} LIBRARY DESTINATION lib/davit/plugins)
    endif()
  endforeach()
  get_property(subdirectories DIRECTORY ${directory} PROPERTY SUBDIRECTORIES)
  foreach(subdirectory IN LISTS subdirectories)
    davit_install_plugins(${subdirectory})
  endforeach()
endfunction()
davit_install_plugins(${PROJECT_SOURCE_DIR}/plugins)

# The unit names the daemon by its installed path, which is known when it is installed.
install(CODE "configure_file(\"${PROJECT_SOURCE_DIR}/packaging/davit.service.in\" \"${PROJECT_BINARY_DIR}/davit.service\" @ONLY)")
install(FILES ${PROJECT_BINARY_DIR}/davit.service DESTINATION lib/systemd/system)
if(EXISTS ${PROJECT_SOURCE_DIR}/packaging/davit.bash)
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/davit.bash DESTINATION share/bash-completion/completions RENAME davit)
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/davit)
