# SPDX-License-Identifier: MIT
include(PackageOrPkgConfig)
package_or_pkg_config(Libuv libuv libuv::uv libuv)
