# SPDX-License-Identifier: MIT
include(PackageOrPkgConfig)
package_or_pkg_config(Cares c-ares c-ares::cares libcares)
