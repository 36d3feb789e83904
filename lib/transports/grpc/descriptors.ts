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
      'dGF0aW9ucyK2AgoLQ2FsbFJlcXVlc3QSEgoEdG9vbBgBIAEoCVIEdG9vbBIcCglhcmd1bWVudHMYAiABKAlSCWFyZ3VtZW50' +
      'cxIdCgp0aW1lb3V0X21zGAMgASgEUgl0aW1lb3V0TXMSHgoIZGV0YWNoX3MYBCABKAFIAFIHZGV0YWNoU4gBARInCg9pZGVt' +
      'cG90ZW5jeV9rZXkYBSABKAlSDmlkZW1wb3RlbmN5S2V5EhYKBnJlc3VsdBgGIAEoCVIGcmVzdWx0EioKEW1heF9tZXNzYWdl' +
      'X2J5dGVzGAcgASgNUg9tYXhNZXNzYWdlQnl0ZXMSGwoJbG9nX2xldmVsGAggASgJUghsb2dMZXZlbBIfCgtjaHVua19saW5l' +
      'cxgJIAEoCFIKY2h1bmtMaW5lc0ILCglfZGV0YWNoX3MiqgEKDENhbGxSZXNwb25zZRIXCgdjYWxsX2lkGAEgASgJUgZjYWxs' +
      'SWQSFAoEanNvbhgCIAEoCUgAUgRqc29uEhYKBWJ5dGVzGAMgASgMSABSBWJ5dGVzEhYKBmNodW5rcxgEIAEoBFIGY2h1bmtz' +
      'Eh8KC2R1cmF0aW9uX21zGAUgASgEUgpkdXJhdGlvbk1zEhIKBG1ldGEYBiABKAlSBG1ldGFCBgoEZGF0YSL4AgoJQ2FsbEV2' +
      'ZW50EhAKA3NlcRgBIAEoBFIDc2VxEjMKB3N0YXJ0ZWQYAiABKAsyFy5tY3AuZ2F0ZXdheS52MS5TdGFydGVkSABSB3N0YXJ0' +
      'ZWQSNgoIcHJvZ3Jlc3MYAyABKAsyGC5tY3AuZ2F0ZXdheS52MS5Qcm9ncmVzc0gAUghwcm9ncmVzcxIwCgZjaHVua3MYBCAB' +
      'KAsyFi5tY3AuZ2F0ZXdheS52MS5DaHVua3NIAFIGY2h1bmtzEicKA2xvZxgFIAEoCzITLm1jcC5nYXRld2F5LnYxLkxvZ0gA' +
      'UgNsb2cSMAoGcmVzdWx0GAYgASgLMhYubWNwLmdhdGV3YXkudjEuUmVzdWx0SABSBnJlc3VsdBInCgNhc2sYByABKAsyEy5t' +
      'Y3AuZ2F0ZXdheS52MS5Bc2tIAFIDYXNrEi0KBWVycm9yGAggASgLMhUubWNwLmdhdGV3YXkudjEuRXJyb3JIAFIFZXJyb3JC' +
      'BwoFZXZlbnQiNgoHU3RhcnRlZBIXCgdjYWxsX2lkGAEgASgJUgZjYWxsSWQSEgoEdG9vbBgCIAEoCVIEdG9vbCJlCghQcm9n' +
      'cmVzcxIaCghwcm9ncmVzcxgBIAEoAVIIcHJvZ3Jlc3MSGQoFdG90YWwYAiABKAFIAFIFdG90YWyIAQESGAoHbWVzc2FnZRgD' +
      'IAEoCVIHbWVzc2FnZUIICgZfdG90YWwiXgoGQ2h1bmtzEhQKBWluZGV4GAEgASgEUgVpbmRleBISCgRqc29uGAIgAygJUgRq' +
      'c29uEhQKBWJ5dGVzGAMgAygMUgVieXRlcxIUCgVsaW5lcxgEIAEoCVIFbGluZXMiSQoDTG9nEhQKBWxldmVsGAEgASgJUgVs' +
      'ZXZlbBIYCgdtZXNzYWdlGAIgASgJUgdtZXNzYWdlEhIKBGRhdGEYAyABKAlSBGRhdGEipQEKBlJlc3VsdBIUCgRqc29uGAEg' +
      'ASgJSABSBGpzb24SFgoFYnl0ZXMYAiABKAxIAFIFYnl0ZXMSGAoHb21pdHRlZBgDIAEoCFIHb21pdHRlZBIWCgZjaHVua3MY' +
      'BCABKARSBmNodW5rcxIfCgtkdXJhdGlvbl9tcxgFIAEoBFIKZHVyYXRpb25NcxISCgRtZXRhGAYgASgJUgRtZXRhQgYKBGRh' +
      'dGEiRwoDQXNrEhAKA2FzaxgBIAEoBFIDYXNrEhYKBm1ldGhvZBgCIAEoCVIGbWV0aG9kEhYKBnBhcmFtcxgDIAEoCVIGcGFy' +
      'YW1zIsQBCgVFcnJvchISCgRjb2RlGAEgASgJUgRjb2RlEhgKB21lc3NhZ2UYAiABKAlSB21lc3NhZ2USFgoGc3RhdHVzGAMg' +
      'ASgNUgZzdGF0dXMSHAoJcmV0cnlhYmxlGAQgASgIUglyZXRyeWFibGUSFwoHY2FsbF9pZBgFIAEoCVIGY2FsbElkEhgKB2Rl' +
      'dGFpbHMYBiABKAlSB2RldGFpbHMSJAoOcmV0cnlfYWZ0ZXJfbXMYByABKARSDHJldHJ5QWZ0ZXJNcyLCAQoOU2Vzc2lvblJl' +
      'cXVlc3QSDgoCaWQYASABKAlSAmlkEjEKBGNhbGwYAiABKAsyGy5tY3AuZ2F0ZXdheS52MS5DYWxsUmVxdWVzdEgAUgRjYWxs' +
      'EjAKBmNhbmNlbBgDIAEoCzIWLm1jcC5nYXRld2F5LnYxLkNhbmNlbEgAUgZjYW5jZWwSMAoGYW5zd2VyGAQgASgLMhYubWNw' +
      'LmdhdGV3YXkudjEuQW5zd2VySABSBmFuc3dlckIJCgdyZXF1ZXN0IggKBkNhbmNlbCJXCgZBbnN3ZXISEAoDYXNrGAEgASgE' +
      'UgNhc2sSGAoGcmVzdWx0GAIgASgJSABSBnJlc3VsdBIWCgVlcnJvchgDIAEoCUgAUgVlcnJvckIJCgdvdXRjb21lIk8KDFNl' +
      'c3Npb25FdmVudBIOCgJpZBgBIAEoCVICaWQSLwoFZXZlbnQYAiABKAsyGS5tY3AuZ2F0ZXdheS52MS5DYWxsRXZlbnRSBWV2' +
      'ZW50MpADCgpNY3BHYXRld2F5ElAKCUxpc3RUb29scxIgLm1jcC5nYXRld2F5LnYxLkxpc3RUb29sc1JlcXVlc3QaIS5tY3Au' +
      'Z2F0ZXdheS52MS5MaXN0VG9vbHNSZXNwb25zZRJBCgRDYWxsEhsubWNwLmdhdGV3YXkudjEuQ2FsbFJlcXVlc3QaHC5tY3Au' +
      'Z2F0ZXdheS52MS5DYWxsUmVzcG9uc2USRgoKQ2FsbFN0cmVhbRIbLm1jcC5nYXRld2F5LnYxLkNhbGxSZXF1ZXN0GhkubWNw' +
      'LmdhdGV3YXkudjEuQ2FsbEV2ZW50MAESTwoLQ2FsbFNlc3Npb24SHi5tY3AuZ2F0ZXdheS52MS5TZXNzaW9uUmVxdWVzdBoc' +
      'Lm1jcC5nYXRld2F5LnYxLlNlc3Npb25FdmVudCgBMAESVAoKV2F0Y2hUb29scxIhLm1jcC5nYXRld2F5LnYxLldhdGNoVG9v' +
      'bHNSZXF1ZXN0GiEubWNwLmdhdGV3YXkudjEuTGlzdFRvb2xzUmVzcG9uc2UwAWIGcHJvdG8z',
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
