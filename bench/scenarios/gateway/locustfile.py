# SPDX-License-Identifier: MIT
"""Locust: users who log in, mostly read, sometimes write, and log in again.

The one idea: the weights are those of the report's mix (authentication, reads, writes with a JWT);
one user does about one request a second, so 1,200 of them make a thousand requests a second.
"""
import random

from locust import FastHttpUser, between, task

ITEMS = 1000


class GatewayUser(FastHttpUser):
    wait_time = between(0.6, 1.4)
    network_timeout = 10.0
    connection_timeout = 10.0

    def on_start(self):
        self.token = ""
        self.log_in()

    @task(1)
    def log_in(self):
        name = f"user-{random.randrange(10000)}"
        with self.client.post("/auth/token", json={"user": name}, name="authentication",
                              catch_response=True) as answer:
            if answer.status_code == 200:
                self.token = answer.json()["token"]

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def expect(self, method, path, name, wanted, body=None):
        if not self.token:
            return self.log_in()  # that failed before: an injected fault
        with self.client.request(method, path, headers=self.headers(), json=body, name=name,
                                 catch_response=True) as answer:
            if answer.status_code == wanted:
                answer.success()
            else:
                answer.failure(f"status {answer.status_code}")
        return None

    @task(6)
    def read_item(self):
        self.expect("GET", f"/items/{random.randint(1, ITEMS)}", "read", 200)

    @task(1)
    def read_list(self):
        self.expect("GET", "/items?page=1", "list", 200)

    @task(1)
    def change_item(self):
        self.expect("PUT", f"/items/{random.randint(1, ITEMS)}", "write", 200, {"name": "changed"})

    @task(1)
    def add_item(self):
        self.expect("POST", "/items", "write", 201, {"name": "added"})
