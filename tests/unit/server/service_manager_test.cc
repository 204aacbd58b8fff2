// SPDX-License-Identifier: MIT
#include "server/service_manager.h"

#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/notify_socket.h"

namespace onehop::server {
namespace {

TEST_CASE("the service manager is told in one datagram, by a path or by an abstract name") {
  const std::string number = std::to_string(::getpid());
  const std::string path = (std::filesystem::temp_directory_path() / ("onehop" + number)).string();
  for (const std::string& name : {path, "@onehop/" + number}) {
    CAPTURE(name);
    const test::NotifySocket receiver(name);
    const ServiceManager manager(name);
    manager.ready("listening on 127.0.0.1:80");
    CHECK(receiver.next() == "READY=1\nSTATUS=listening on 127.0.0.1:80");
    manager.reloading(1234);
    CHECK(receiver.next() == "RELOADING=1\nMONOTONIC_USEC=1234\nSTATUS=loading the configuration");
    manager.alive();
    CHECK(receiver.next() == "WATCHDOG=1");
    manager.stopping("draining");
    CHECK(receiver.next() == "STOPPING=1\nSTATUS=draining");
  }
}

TEST_CASE("a service manager that is not there, or has an impossible name, is told nothing") {
  for (const std::string& name :
       {std::string(), std::string("/nobody/here"), std::string(200, 'x')}) {
    ServiceManager(name).ready("fine");
  }
}

}  // namespace
}  // namespace onehop::server
