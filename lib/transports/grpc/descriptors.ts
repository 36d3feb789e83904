/**
 * The descriptors of mcp_gateway.proto and health.proto (google.protobuf.FileDescriptorProto), for reflection. Made by protoc
 * from those files: `test/transports/grpc/write-descriptors.ts`. A test holds them to the files.
 */

export interface FileDescriptor {
  readonly name: string;
  readonly services: readonly string[];
  /** Full names of its services, messages and enums. */
  readonly symbols: readonly string[];
  readonly base64: string;
}

export const DESCRIPTORS: readonly FileDescriptor[] = [
  {
    name: 'mcp_gateway.proto',
    services: ['mcp.gateway.v1.McpGateway'],
    symbols: [
      'mcp.gateway.v1.McpGateway',
      'mcp.gateway.v1.ListToolsRequest',
      'mcp.gateway.v1.WatchToolsRequest',
      'mcp.gateway.v1.ListToolsResponse',
      'mcp.gateway.v1.Tool',
      'mcp.gateway.v1.CallRequest',
      'mcp.gateway.v1.CallResponse',
      'mcp.gateway.v1.CallEvent',
      'mcp.gateway.v1.Started',
      'mcp.gateway.v1.Progress',
      'mcp.gateway.v1.Chunks',
      'mcp.gateway.v1.Log',
      'mcp.gateway.v1.Result',
      'mcp.gateway.v1.Ask',
      'mcp.gateway.v1.Error',
      'mcp.gateway.v1.SessionRequest',
      'mcp.gateway.v1.Cancel',
      'mcp.gateway.v1.Answer',
      'mcp.gateway.v1.SessionEvent',
    ],
    base64:
      'ChFtY3BfZ2F0ZXdheS5wcm90bxIObWNwLmdhdGV3YXkudjEiEgoQTGlzdFRvb2xzUmVxdWVzdCITChFXYXRjaFRvb2xzUmVx' +
      'dWVzdCI/ChFMaXN0VG9vbHNSZXNwb25zZRIqCgV0b29scxgBIAMoCzIULm1jcC5nYXRld2F5LnYxLlRvb2xSBXRvb2xzIt8B' +
      'CgRUb29sEhIKBG5hbWUYASABKAlSBG5hbWUSFAoFdGl0bGUYAiABKAlSBXRpdGxlEiAKC2Rlc2NyaXB0aW9uGAMgASgJUgtk' +
      'ZXNjcmlwdGlvbhIhCgxpbnB1dF9zY2hlbWEYBCABKAlSC2lucHV0U2NoZW1hEiMKDW91dHB1dF9zY2hlbWEYBSABKAlSDG91' +
      'dHB1dFNjaGVtYRIhCgxjaHVua19zY2hlbWEYBiABKAlSC2NodW5rU2NoZW1hEiAKC2Fubm90YXRpb25zGAcgASgJUgthbm5v' +
      'dGF0aW9ucyKVAgoLQ2FsbFJlcXVlc3QSEgoEdG9vbBgBIAEoCVIEdG9vbBIcCglhcmd1bWVudHMYAiABKAlSCWFyZ3VtZW50' +
      'cxIdCgp0aW1lb3V0X21zGAMgASgEUgl0aW1lb3V0TXMSHgoIZGV0YWNoX3MYBCABKAFIAFIHZGV0YWNoU4gBARInCg9pZGVt' +
      'cG90ZW5jeV9rZXkYBSABKAlSDmlkZW1wb3RlbmN5S2V5EhYKBnJlc3VsdBgGIAEoCVIGcmVzdWx0EioKEW1heF9tZXNzYWdl' +
      'X2J5dGVzGAcgASgNUg9tYXhNZXNzYWdlQnl0ZXMSGwoJbG9nX2xldmVsGAggASgJUghsb2dMZXZlbEILCglfZGV0YWNoX3Mi' +
      'qgEKDENhbGxSZXNwb25zZRIXCgdjYWxsX2lkGAEgASgJUgZjYWxsSWQSFAoEanNvbhgCIAEoCUgAUgRqc29uEhYKBWJ5dGVz' +
      'GAMgASgMSABSBWJ5dGVzEhYKBmNodW5rcxgEIAEoBFIGY2h1bmtzEh8KC2R1cmF0aW9uX21zGAUgASgEUgpkdXJhdGlvbk1z' +
      'EhIKBG1ldGEYBiABKAlSBG1ldGFCBgoEZGF0YSL4AgoJQ2FsbEV2ZW50EhAKA3NlcRgBIAEoBFIDc2VxEjMKB3N0YXJ0ZWQY' +
      'AiABKAsyFy5tY3AuZ2F0ZXdheS52MS5TdGFydGVkSABSB3N0YXJ0ZWQSNgoIcHJvZ3Jlc3MYAyABKAsyGC5tY3AuZ2F0ZXdh' +
      'eS52MS5Qcm9ncmVzc0gAUghwcm9ncmVzcxIwCgZjaHVua3MYBCABKAsyFi5tY3AuZ2F0ZXdheS52MS5DaHVua3NIAFIGY2h1' +
      'bmtzEicKA2xvZxgFIAEoCzITLm1jcC5nYXRld2F5LnYxLkxvZ0gAUgNsb2cSMAoGcmVzdWx0GAYgASgLMhYubWNwLmdhdGV3' +
      'YXkudjEuUmVzdWx0SABSBnJlc3VsdBInCgNhc2sYByABKAsyEy5tY3AuZ2F0ZXdheS52MS5Bc2tIAFIDYXNrEi0KBWVycm9y' +
      'GAggASgLMhUubWNwLmdhdGV3YXkudjEuRXJyb3JIAFIFZXJyb3JCBwoFZXZlbnQiNgoHU3RhcnRlZBIXCgdjYWxsX2lkGAEg' +
      'ASgJUgZjYWxsSWQSEgoEdG9vbBgCIAEoCVIEdG9vbCJlCghQcm9ncmVzcxIaCghwcm9ncmVzcxgBIAEoAVIIcHJvZ3Jlc3MS' +
      'GQoFdG90YWwYAiABKAFIAFIFdG90YWyIAQESGAoHbWVzc2FnZRgDIAEoCVIHbWVzc2FnZUIICgZfdG90YWwiSAoGQ2h1bmtz' +
      'EhQKBWluZGV4GAEgASgEUgVpbmRleBISCgRqc29uGAIgAygJUgRqc29uEhQKBWJ5dGVzGAMgAygMUgVieXRlcyJJCgNMb2cS' +
      'FAoFbGV2ZWwYASABKAlSBWxldmVsEhgKB21lc3NhZ2UYAiABKAlSB21lc3NhZ2USEgoEZGF0YRgDIAEoCVIEZGF0YSKlAQoG' +
      'UmVzdWx0EhQKBGpzb24YASABKAlIAFIEanNvbhIWCgVieXRlcxgCIAEoDEgAUgVieXRlcxIYCgdvbWl0dGVkGAMgASgIUgdv' +
      'bWl0dGVkEhYKBmNodW5rcxgEIAEoBFIGY2h1bmtzEh8KC2R1cmF0aW9uX21zGAUgASgEUgpkdXJhdGlvbk1zEhIKBG1ldGEY' +
      'BiABKAlSBG1ldGFCBgoEZGF0YSJHCgNBc2sSEAoDYXNrGAEgASgEUgNhc2sSFgoGbWV0aG9kGAIgASgJUgZtZXRob2QSFgoG' +
      'cGFyYW1zGAMgASgJUgZwYXJhbXMixAEKBUVycm9yEhIKBGNvZGUYASABKAlSBGNvZGUSGAoHbWVzc2FnZRgCIAEoCVIHbWVz' +
      'c2FnZRIWCgZzdGF0dXMYAyABKA1SBnN0YXR1cxIcCglyZXRyeWFibGUYBCABKAhSCXJldHJ5YWJsZRIXCgdjYWxsX2lkGAUg' +
      'ASgJUgZjYWxsSWQSGAoHZGV0YWlscxgGIAEoCVIHZGV0YWlscxIkCg5yZXRyeV9hZnRlcl9tcxgHIAEoBFIMcmV0cnlBZnRl' +
      'ck1zIsIBCg5TZXNzaW9uUmVxdWVzdBIOCgJpZBgBIAEoCVICaWQSMQoEY2FsbBgCIAEoCzIbLm1jcC5nYXRld2F5LnYxLkNh' +
      'bGxSZXF1ZXN0SABSBGNhbGwSMAoGY2FuY2VsGAMgASgLMhYubWNwLmdhdGV3YXkudjEuQ2FuY2VsSABSBmNhbmNlbBIwCgZh' +
      'bnN3ZXIYBCABKAsyFi5tY3AuZ2F0ZXdheS52MS5BbnN3ZXJIAFIGYW5zd2VyQgkKB3JlcXVlc3QiCAoGQ2FuY2VsIlcKBkFu' +
      'c3dlchIQCgNhc2sYASABKARSA2FzaxIYCgZyZXN1bHQYAiABKAlIAFIGcmVzdWx0EhYKBWVycm9yGAMgASgJSABSBWVycm9y' +
      'QgkKB291dGNvbWUiTwoMU2Vzc2lvbkV2ZW50Eg4KAmlkGAEgASgJUgJpZBIvCgVldmVudBgCIAEoCzIZLm1jcC5nYXRld2F5' +
      'LnYxLkNhbGxFdmVudFIFZXZlbnQykAMKCk1jcEdhdGV3YXkSUAoJTGlzdFRvb2xzEiAubWNwLmdhdGV3YXkudjEuTGlzdFRv' +
      'b2xzUmVxdWVzdBohLm1jcC5nYXRld2F5LnYxLkxpc3RUb29sc1Jlc3BvbnNlEkEKBENhbGwSGy5tY3AuZ2F0ZXdheS52MS5D' +
      'YWxsUmVxdWVzdBocLm1jcC5nYXRld2F5LnYxLkNhbGxSZXNwb25zZRJGCgpDYWxsU3RyZWFtEhsubWNwLmdhdGV3YXkudjEu' +
      'Q2FsbFJlcXVlc3QaGS5tY3AuZ2F0ZXdheS52MS5DYWxsRXZlbnQwARJPCgtDYWxsU2Vzc2lvbhIeLm1jcC5nYXRld2F5LnYx' +
      'LlNlc3Npb25SZXF1ZXN0GhwubWNwLmdhdGV3YXkudjEuU2Vzc2lvbkV2ZW50KAEwARJUCgpXYXRjaFRvb2xzEiEubWNwLmdh' +
      'dGV3YXkudjEuV2F0Y2hUb29sc1JlcXVlc3QaIS5tY3AuZ2F0ZXdheS52MS5MaXN0VG9vbHNSZXNwb25zZTABYgZwcm90bzM=',
  },
  {
    name: 'health.proto',
    services: ['grpc.health.v1.Health'],
    symbols: [
      'grpc.health.v1.Health',
      'grpc.health.v1.HealthCheckRequest',
      'grpc.health.v1.HealthCheckResponse',
    ],
    base64:
      'CgxoZWFsdGgucHJvdG8SDmdycGMuaGVhbHRoLnYxIi4KEkhlYWx0aENoZWNrUmVxdWVzdBIYCgdzZXJ2aWNlGAEgASgJUgdz' +
      'ZXJ2aWNlIrEBChNIZWFsdGhDaGVja1Jlc3BvbnNlEkkKBnN0YXR1cxgBIAEoDjIxLmdycGMuaGVhbHRoLnYxLkhlYWx0aENo' +
      'ZWNrUmVzcG9uc2UuU2VydmluZ1N0YXR1c1IGc3RhdHVzIk8KDVNlcnZpbmdTdGF0dXMSCwoHVU5LTk9XThAAEgsKB1NFUlZJ' +
      'TkcQARIPCgtOT1RfU0VSVklORxACEhMKD1NFUlZJQ0VfVU5LTk9XThADMq4BCgZIZWFsdGgSUAoFQ2hlY2sSIi5ncnBjLmhl' +
      'YWx0aC52MS5IZWFsdGhDaGVja1JlcXVlc3QaIy5ncnBjLmhlYWx0aC52MS5IZWFsdGhDaGVja1Jlc3BvbnNlElIKBVdhdGNo' +
      'EiIuZ3JwYy5oZWFsdGgudjEuSGVhbHRoQ2hlY2tSZXF1ZXN0GiMuZ3JwYy5oZWFsdGgudjEuSGVhbHRoQ2hlY2tSZXNwb25z' +
      'ZTABYgZwcm90bzM=',
  },
];
