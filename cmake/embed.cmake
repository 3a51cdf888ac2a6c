# tl_embed(target table files...): compiles text files into `target` as the array
#     const tl_embedded table[];   { name without folder and ".sql", text }, ended by { NULL, NULL }
# declared in base/embedded.h.  The files stay what one edits, runs and diffs.
function(tl_embed target table)
  set(out ${CMAKE_BINARY_DIR}/generated/${table}.c)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DTABLE=${table} "-DFILES=${ARGN}" -P ${CMAKE_SOURCE_DIR}/cmake/embed_run.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/embed_run.cmake
    COMMENT "Embedding ${table}" VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
