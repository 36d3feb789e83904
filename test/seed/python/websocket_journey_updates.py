import asyncio
import websockets
import json

async def websocket_journey_updates():
    uri = "ws://localhost:8000/ws/tools/journeys_tool?api_key=super-secret"
    async with websockets.connect(uri) as websocket:
        # Send request
        await websocket.send(json.dumps({
            "arguments": {"action": "create", "name": "New Journey"},
            "id": "create-001"
        }))
        # Receive updates
        while True:
            message = await websocket.recv()
            data = json.loads(message)
            if data.get("event") == "progress":
                print(f"Progress: {data['message']}")
            elif data.get("event") == "complete":
                print("Journey created successfully!")
                break

asyncio.run(websocket_journey_updates())
