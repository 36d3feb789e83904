/** What to do about an error, by its code. */
const ADVICE: Readonly<Record<string, string>> = {
  parse_error: 'The arguments are no valid JSON. Look at the JSON tab.',
  invalid_request: 'The request is malformed. The message says where.',
  too_complex: 'The arguments are nested too deeply, or have too many elements. Send less in one call.',
  invalid_arguments: 'Correct the fields that are marked, and run again.',
  unauthenticated: 'The key is not known. Change it with “Key” at the top.',
  permission_denied: 'This key may not do that. Use another key, or ask who runs the gateway.',
  tool_not_found: 'The tool is gone, or this key may not use it. Load the tools anew.',
  call_not_found: 'The call is no longer kept. Run it again.',
  not_found: 'What the arguments name does not exist. Check the ids.',
  payload_too_large: 'The arguments are larger than MAX_BODY_BYTES allows. Send less in one call.',
  conflict: 'Something else has changed it meanwhile. Read it again, then repeat.',
  failed_precondition: 'The tool is not in a state for that. The message says what is missing.',
  rate_limited: 'Too many calls with this key. Wait as long as it says, then run again.',
  gone: 'What came meanwhile is no longer kept (RESUME_BYTES). Run it again.',
  cancelled: 'The call was cancelled: by you, or since nobody had read it for too long.',
  slow_consumer:
    'The stream was not read for too long (STREAM_STALL). Run again; pause it here to stop it for longer.',
  overloaded:
    'All threads are busy and the queue is full. Wait a moment and run again; the Pool tab shows the load.',
  unavailable:
    'The gateway or the tool cannot serve now. Wait as long as it says; the Pool tab shows the state.',
  deadline_exceeded:
    'The call took longer than allowed. Give it a longer timeout, up to the tool’s own, or ask for less.',
  tool_failed: 'The tool itself failed. Its log has the cause, under the call’s id.',
  result_not_serializable: 'The tool returned what JSON cannot hold. Its author has to change that.',
  result_too_large: 'The result is larger than MAX_RESULT_BYTES. Ask for less.',
  worker_crashed:
    'The thread of the tool died. The log has the cause; where the tool only reads, run it again.',
  worker_out_of_memory: 'The tool used up its memory (WORKER_HEAP_MB). Ask for less.',
  internal: 'That is a defect of the gateway. Its log has the cause, under the call’s id.',
  unreachable: 'The gateway does not answer. Check that it runs, then try again.',
};

export const adviceFor = (code: string): string =>
  ADVICE[code] ?? 'The message says more; docs/errors.md lists all codes.';
