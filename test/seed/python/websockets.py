"""
A stand-in for the parts of websockets that websocket_journey_updates.py uses, on Python's standard library alone:
connect, send a text, receive a text (RFC 6455, client side).
"""
import asyncio
import base64
import hashlib
import os
import struct
from urllib.parse import urlsplit

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class connect:
    def __init__(self, uri):
        self._uri = urlsplit(uri)

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection(self._uri.hostname, self._uri.port)
        key = base64.b64encode(os.urandom(16))
        head = [
            f"GET {self._uri.path}?{self._uri.query} HTTP/1.1",
            f"Host: {self._uri.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key.decode()}",
            "Sec-WebSocket-Version: 13",
            "",
            "",
        ]
        self._writer.write("\r\n".join(head).encode())
        status = (await self._reader.readline()).decode()
        assert " 101 " in status, status
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert accept in head, head
        return self

    async def __aexit__(self, *_):
        self._frame(CLOSE, struct.pack(">H", 1000))
        await self._writer.drain()
        self._writer.close()

    async def send(self, message):
        self._frame(TEXT, message.encode())
        await self._writer.drain()

    async def recv(self):
        while True:
            first, second = await self._reader.readexactly(2)
            assert first & 0x80, "this stand-in reads whole messages only"
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", await self._reader.readexactly(8))
            payload = await self._reader.readexactly(size)
            opcode = first & 0xF
            if opcode == PING:
                self._frame(PONG, payload)
            elif opcode == CLOSE:
                raise ConnectionError(f"closed: {payload!r}")
            elif opcode == TEXT:
                return payload.decode()

    def _frame(self, opcode, payload):
        size = len(payload)
        head = bytes([0x80 | opcode])
        if size < 126:
            head += bytes([0x80 | size])
        else:
            head += bytes([0x80 | 126]) + struct.pack(">H", size)
        mask = os.urandom(4)
        self._writer.write(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))
