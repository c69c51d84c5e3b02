/** Devices that deliver in another way than they should. */
import type { Report } from '../../../machines/report.ts';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import { PublishError } from '../../../src/device/publish-answer.ts';
import { deviceReport } from '../../../src/wire/subjects.ts';
import type { Spoiling } from '../conform-device.ts';
import type { Fault } from './fault.ts';

const FAST_LIMITS = { ...AGENT_LIMITS, retryFirstMs: 50, retryLongestMs: 200 };

/** Of delivery. */
export const deliveryFaults: readonly Fault[] = [
  {
    does: 'takes silence for an ack',
    breaks: ['resend-unanswered'],
    keeps: ['resend-refused'],
    spoiling: () => ({ publish: (publish) => publish().catch(unless('refused')) }),
  },
  {
    does: 'takes any answer for an ack',
    breaks: ['resend-refused'],
    keeps: ['resend-unanswered'],
    spoiling: () => ({ publish: (publish) => publish().catch(unless('no-ack')) }),
  },
  {
    does: 'does not wait for an ack before it publishes the next report',
    breaks: ['one-in-flight', 'resend-unanswered', 'resend-refused'],
    keeps: ['report-answered'],
    spoiling: () => ({
      publish: async (publish) => {
        publish().catch(() => undefined);
      },
    }),
  },
  {
    does: 'publishes without asking for an ack',
    breaks: ['asks-for-ack'],
    keeps: ['report-answered'],
    spoiling: () => ({
      publish: async (_publish, payload, { connection, device }) => {
        connection.nats.publish(deviceReport(device), payload);
      },
    }),
  },
  {
    does: 'delivers the oldest report first after an outage',
    breaks: ['current-first'],
    keeps: ['buffer-in-frames', 'nothing-lost'],
    spoiling: () => ({ options: { order: 'fifo' } }),
  },
  {
    does: 'delivers its buffer report by report',
    breaks: ['buffer-in-frames'],
    keeps: ['current-first', 'nothing-lost'],
    spoiling: () => ({ options: { limits: { ...FAST_LIMITS, frameReportsMax: 1 } } }),
  },
  {
    does: 'buffers five reports',
    breaks: ['nothing-lost'],
    keeps: ['current-first', 'numbering', 'buffer-in-frames'],
    spoiling: () => ({ options: { limits: { ...FAST_LIMITS, outboxReportsMax: 5 } } }),
  },
  {
    does: 'lists a frame the newest report first',
    breaks: ['buffer-in-frames', 'frames-in-order'],
    keeps: ['nothing-lost'],
    spoiling: reversedFrames,
  },
  {
    does: 'sends everything twice',
    breaks: ['not-again'],
    keeps: ['report-answered', 'one-content'],
    spoiling: () => ({ publish: (publish) => publish().then(publish) }),
  },
  {
    does: 'says nothing while nothing happens',
    breaks: ['heartbeat'],
    keeps: ['not-again', 'report-answered'],
    heartbeatMs: 1_500,
    spoiling: () => ({ options: { limits: { ...FAST_LIMITS, heartbeatMs: 3_600_000 } } }),
  },
  {
    does: 'is deaf to commands once its connection was lost',
    breaks: ['reconnects'],
    keeps: ['report-answered'],
    spoiling: deafAfterReconnect,
  },
];

function unless(code: PublishError['code']): (error: unknown) => void {
  return (error) => {
    if (error instanceof PublishError && error.code === code) throw error;
  };
}

/** Is deaf to commands once its connection was lost. */
function deafAfterReconnect(): Spoiling {
  let isWatched = false;
  let isDeaf = false;
  return {
    command: (command, { connection }) => {
      if (!isWatched) connection.onChange(() => (isDeaf = true));
      isWatched = true;
      return isDeaf ? null : command;
    },
  };
}

function reversedFrames(): Spoiling {
  return {
    payload: (payload) => {
      const text = Buffer.from(payload).toString('utf8');
      if (!text.startsWith('[')) return payload;
      return Buffer.from(JSON.stringify((JSON.parse(text) as Report[]).reverse()));
    },
  };
}
