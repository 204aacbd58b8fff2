# SPDX-License-Identifier: MIT
include(PackageOrPkgConfig)
package_or_pkg_config(Nghttp2 nghttp2 nghttp2::nghttp2 libnghttp2)
