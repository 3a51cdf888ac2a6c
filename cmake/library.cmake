# libtcpledger: the layers from capture to message as one library, static and shared, for programs that want segments in and bytes, gaps and
# messages out, without a database.  Made of the objects of the layers' own libraries: nothing is compiled twice.
include(GNUInstallDirs)
set(library_layers base capture packet stream message)
set(library_objects)
foreach(layer IN LISTS library_layers)
  list(APPEND library_objects $<TARGET_OBJECTS:tl_${layer}>)
endforeach()
set(library_links PkgConfig::PCAP PkgConfig::ZLIB PkgConfig::CRYPTO PkgConfig::INIH PkgConfig::NGHTTP2 Threads::Threads)

add_library(tcpledger SHARED ${library_objects})
add_library(tcpledger_static STATIC ${library_objects})
set_target_properties(tcpledger PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C
  LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libtcpledger.map)
set_target_properties(tcpledger_static PROPERTIES OUTPUT_NAME tcpledger LINKER_LANGUAGE C)
target_link_options(tcpledger PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/libtcpledger.map)
target_link_libraries(tcpledger PRIVATE ${library_links})
target_link_libraries(tcpledger_static INTERFACE ${library_links})
target_include_directories(tcpledger INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_include_directories(tcpledger_static INTERFACE ${CMAKE_SOURCE_DIR}/src)

# The public headers, in the folders that they name each other by.
set(public_headers
  base/base.h base/text.h
  capture/source.h
  packet/segment.h packet/fragments.h
  stream/event.h stream/session.h
  message/detector.h message/shape.h message/registry.h message/framer.h message/declared.h message/framings.h)
foreach(header IN LISTS public_headers)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES src/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tcpledger/${folder})
endforeach()
install(TARGETS tcpledger tcpledger_static LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
file(RELATIVE_PATH library_up /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(cmake/libtcpledger.pc.in ${CMAKE_BINARY_DIR}/libtcpledger.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/libtcpledger.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The examples, as a user of the library builds them.
add_executable(extract_http examples/extract_http.c)
target_link_libraries(extract_http PRIVATE tcpledger)
add_library(own_protocol MODULE examples/own_protocol.c)
target_include_directories(own_protocol PRIVATE ${CMAKE_SOURCE_DIR}/src)
set_target_properties(own_protocol PROPERTIES PREFIX "")
