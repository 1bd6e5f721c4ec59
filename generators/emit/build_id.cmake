# Writes OUTPUT, a header that defines CONVC_BUILD_ID: a hash of the sources under ROOT that decide
# what code comes out. Run at every build (it takes milliseconds); an unchanged header is left alone.
file(GLOB_RECURSE sources RELATIVE "${ROOT}"
  "${ROOT}/dsl/*" "${ROOT}/generators/plan/*" "${ROOT}/generators/kernels/*"
  "${ROOT}/generators/emit/*" "${ROOT}/runtime/include/convc/*")
list(FILTER sources INCLUDE REGEX "\\.(h|cpp)$")
list(SORT sources)
set(text "")
foreach(source IN LISTS sources)
  file(SHA256 "${ROOT}/${source}" hash)
  string(APPEND text "${source} ${hash}\n")
endforeach()
string(SHA256 hash "${text}")
string(SUBSTRING "${hash}" 0 32 id)
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "// Written by build_id.cmake.\n#define CONVC_BUILD_ID \"${id}\"\n")
