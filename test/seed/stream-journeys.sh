curl -X POST http://localhost:8000/tools/journeys_tool/stream \
 -H "X-API-Key: super-secret" \
 -H "Content-Type: application/json" \
 -d '{"arguments": {"action": "list"}}'
