"""Publishes to fastify-messenger with the standard library alone: copy this file.

    with contextlib.closing(Publisher("http://127.0.0.1:3000", "default-secret")) as publisher:
        print(publisher.publish("room1", {"text": "Hello"}).result()["id"])

Messages that wait travel in one request. Each is repeated with its idempotency key after a network error, 429, 503 and the
like, for at most 270 s: the service forgets a key after 300 s. Messages of a channel keep their order.
"""
import http.client
import json
import queue
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import Future

MAX_ENTRIES, MAX_BODY_BYTES = 1_000, 1_000_000
RETRY_FOR, ATTEMPT_TIMEOUT = 270, 10  # Seconds.
PASSING = {None, 200, 408, 425, 429, 500, 502, 503, 504}
OF_ONE_ENTRY = {400, 403, 413, 422}  # Of a batch: it is divided.
UNKNOWN_OUTCOME = {None, "MSG_ERR_ENGINE_UNAVAILABLE", "MSG_ERR_INTERNAL"}


class PublishError(Exception):
    """A message that was refused, or not confirmed in time; `maybe_delivered` says whether it may have arrived all the same."""
    def __init__(self, message, code, channel, status=None, maybe_delivered=False):
        super().__init__(message)
        self.code, self.channel, self.status, self.maybe_delivered = code, channel, status, maybe_delivered


class _Entry:
    def __init__(self, channel, message, key):
        self.channel, self.future, self.maybe_delivered, self.attempts = channel, Future(), False, 0
        self.deadline = time.monotonic() + RETRY_FOR
        self.future.set_running_or_notify_cancel()  # A message on its way cannot be cancelled.
        self.text = json.dumps({"channel": channel, "idempotencyKey": key or uuid.uuid4().hex, "message": message}, allow_nan=False).encode()

    def fail(self, message, code, status=None):
        self.future.set_exception(PublishError(message, code, self.channel, status, self.maybe_delivered))


class Publisher:
    """Publishes from any thread; one thread of its own sends."""
    def __init__(self, server, token, max_pending=10_000):
        self._url, self._token, self._max_pending = server.rstrip("/") + "/send", token, max_pending
        self._waiting, self._idle, self._pending, self._closed = queue.SimpleQueue(), threading.Condition(), 0, False
        threading.Thread(target=self._run, daemon=True).start()

    def publish(self, channel, message, key=None):
        """Returns a future of {"id", "subscribers"}; raises PublishError when the publisher is full or closed."""
        entry = _Entry(channel, message, key)
        with self._idle:
            if self._closed:
                raise PublishError("the publisher is closed", "MSG_ERR_PUBLISHER_CLOSED", channel)
            if self._pending >= self._max_pending:
                raise PublishError(f"{self._pending} messages are pending", "MSG_ERR_PUBLISHER_FULL", channel)
            self._pending += 1
            self._waiting.put(entry)
        return entry.future

    def flush(self):
        """Waits until everything that was published has settled."""
        with self._idle:
            self._idle.wait_for(lambda: self._pending == 0)

    def close(self):
        """Takes no more messages, and waits for the pending ones."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: self._pending == 0)
        self._waiting.put(None)

    def _run(self):
        again = []  # Messages to repeat, which come before all others of their channels.
        while True:
            batch, again = again[:MAX_ENTRIES], again[MAX_ENTRIES:]
            size = sum(len(entry.text) + 1 for entry in batch)
            while len(batch) < MAX_ENTRIES and size < MAX_BODY_BYTES and not again and not (batch and self._waiting.empty()):
                entry = self._waiting.get()
                if entry is None:
                    return
                batch.append(entry)
                size += len(entry.text) + 1
            repeat, delay = self._deliver(batch)
            again = repeat + again
            with self._idle:
                self._pending -= len(batch) - len(repeat)
                self._idle.notify_all()
            time.sleep(delay)

    def _deliver(self, batch):
        """Sends a batch, in parts where it is refused for one of its messages; returns those to repeat, and when."""
        status, body, retry_after, maybe = self._post(b'{"messages":[' + b",".join(entry.text for entry in batch) + b"]}")
        results = body.get("results")
        if status == 200 and isinstance(results, list) and len(results) == len(batch):
            return self._settle(batch, results)
        code, text, delay = body.get("code"), body.get("message", f"the server answered {status}"), retry_after + _jitter(batch)
        if status in PASSING:
            return [entry for entry in batch if self._repeat(entry, delay, text, status, maybe)], delay
        if status in OF_ONE_ENTRY and code != "MSG_ERR_TOKEN_INVALID" and len(batch) > 1:
            repeat, delay = self._deliver(batch[: len(batch) // 2])
            return (repeat + batch[len(batch) // 2 :], delay) if repeat else self._deliver(batch[len(batch) // 2 :])
        for entry in batch:
            entry.fail(text, code or "MSG_ERR_PUBLISH_REFUSED", status)
        return [], 0

    def _settle(self, batch, results):
        repeat, delay = [], _jitter(batch)
        for entry, result in zip(batch, results):
            error = result.pop("error", None)
            if error is None:
                entry.future.set_result(result)
            elif error["statusCode"] not in PASSING:
                entry.fail(error["message"], error["code"], error["statusCode"])
            elif self._repeat(entry, delay, error["message"], error["statusCode"], error["code"] in UNKNOWN_OUTCOME):
                repeat.append(entry)
        return repeat, delay if repeat else 0

    def _repeat(self, entry, delay, text, status, maybe):
        entry.attempts, entry.maybe_delivered = entry.attempts + 1, entry.maybe_delivered or maybe
        if time.monotonic() + delay < entry.deadline:
            return True
        entry.fail(f"not confirmed within {RETRY_FOR} s ({text})", "MSG_ERR_PUBLISH_UNCONFIRMED", status)
        return False

    def _post(self, body):
        request = urllib.request.Request(self._url, body, {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=ATTEMPT_TIMEOUT) as answer:
                return answer.status, _parse(answer.read()), 0, True
        except urllib.error.HTTPError as error:
            body, after = _parse(error.read()), error.headers.get("Retry-After", "")
            return error.code, body, int(after) if after.isdigit() else 0, body.get("code") in UNKNOWN_OUTCOME
        except (OSError, http.client.HTTPException) as error:
            refused = isinstance(getattr(error, "reason", error), ConnectionRefusedError)
            return None, {"message": f"the service cannot be reached: {error}"}, 0, not refused


def _jitter(batch):
    return random.uniform(0, min(3, 0.2 * 2 ** batch[0].attempts))


def _parse(body):
    try:
        return dict(json.loads(body))
    except (ValueError, TypeError):  # The page of a proxy.
        return {}
