import asyncio
import aiohttp
import json

async def stream_journeys():
    async with aiohttp.ClientSession() as session:
        headers = {"X-API-Key": "super-secret"}
        url = "http://localhost:8000/tools/journeys_tool/stream"
        payload = {"arguments": {"action": "list"}}
        async with session.post(url, headers=headers, json=payload) as response:
            async for line in response.content:
                if line.startswith(b'event:'):
                    event = line[6:].decode().strip()
                elif line.startswith(b'data:'):
                    data = json.loads(line[5:].decode())
                    print(f"Event: {event}, Data: {data}")

asyncio.run(stream_journeys())
