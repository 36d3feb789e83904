"""
A stand-in for the parts of aiohttp that stream_journeys.py uses, on Python's standard library alone:
a POST of JSON whose response body is read line by line while it arrives.
"""
import asyncio
import json as json_module
from urllib.parse import urlsplit


class ClientSession:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    def post(self, url, headers, json):
        return _Exchange(url, headers, json_module.dumps(json).encode())


class _Exchange:
    def __init__(self, url, headers, body):
        self._url = urlsplit(url)
        self._headers = headers
        self._body = body

    async def __aenter__(self):
        reader, self._writer = await asyncio.open_connection(self._url.hostname, self._url.port, limit=2**17)
        head = [f"POST {self._url.path} HTTP/1.1", f"Host: {self._url.netloc}", "Accept: */*"]
        head += [f"{name}: {value}" for name, value in self._headers.items()]
        head += ["Content-Type: application/json", f"Content-Length: {len(self._body)}", "", ""]
        self._writer.write("\r\n".join(head).encode() + self._body)
        self.status = int((await reader.readline()).split()[1])
        self.headers = {}
        while (line := (await reader.readline()).decode().strip()) != "":
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.content = _lines(_chunks(reader))
        return self

    async def __aexit__(self, *_):
        self._writer.close()


async def _chunks(reader):
    """The parts of a body in chunked transfer coding."""
    while (size := int(await reader.readline(), 16)) > 0:
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()


async def _lines(chunks):
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest
