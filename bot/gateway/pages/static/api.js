// Calls to the page's own address. A refusal has a sentence for the resident; a failure may be tried again.

export class Refused extends Error {
  constructor(status, error, wait) {
    super(error.sentence);
    Object.assign(this, { status, code: error.code, sentence: error.sentence, wait });
  }
}

export class Failed extends Error {}

const PATIENCE = 15_000;

export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout ? AbortSignal.timeout(PATIENCE) : undefined,
    });
  } catch {
    throw new Failed("no answer");
  }
  return answer(response.status, await response.json().catch(() => null), response.headers.get("Retry-After"));
}

export function answer(status, told, wait) {
  if (status >= 200 && status < 300 && told) return told;
  if (status >= 400 && status < 500 && told?.error) throw new Refused(status, told.error, Number(wait) || 0);
  throw new Failed(`status ${status}`);
}

export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));
