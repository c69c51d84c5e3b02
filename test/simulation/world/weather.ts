/**
 * What the weather of a world is like: how large it is, and which sorts of trouble it has. Not every world has every sort:
 * one in which everything breaks all the time hides what happens when only two things do.
 */
import { DEFAULT_LIMITS, type RuntimeLimits } from '../../../src/runtime/limits.ts';
import { FAULTS, type FaultSort } from '../trouble.ts';
import type { Chance } from './chance.ts';
import type { Quality } from './network.ts';

/** A world's dimensions. */
export interface Weather {
  /** How long faults happen, ms. */
  readonly stormMs: number;
  readonly nodes: number;
  /** Devices of each kind. */
  readonly devices: number;
  readonly backends: number;
  /** Between two wishes of a backend, ms on average. */
  readonly wishMs: number;
  /** Between two local uses of a device, ms on average; `Infinity` for a world without people. */
  readonly useMs: number;
  readonly sorts: readonly FaultSort[];
  /** Nodes read by the production reader, from consumers of the hub; otherwise by that of the hub in memory, which needs none. */
  readonly hasConsumers: boolean;
  /** Nodes find out over the network whether their clocks are those of the others; otherwise none ever is wrong. */
  readonly hasWrongClocks: boolean;
  /** Of all links of devices from the beginning, until something changes it. */
  readonly deviceQuality: Quality;
  readonly limits: RuntimeLimits;
}

const POOR: Quality = { usualMs: 300, longPart: 0.03, longMs: 120_000, lossPart: 0.05, doublePart: 0.05 };

/** A link that brings out the worst. */
export function badQuality(chance: Chance): Quality {
  return {
    usualMs: chance.between(50, 1_500),
    longPart: chance.pick([0, 0.1, 0.4]),
    longMs: chance.pick([10_000, 60_000, 1_800_000]),
    lossPart: chance.pick([0, 0.1, 0.5]),
    doublePart: chance.pick([0, 0.1, 0.5]),
  };
}

/** In this part of all worlds ways are cut in one direction alone. */
const ONE_WAY_PART = 0.3;
const ONE_WAY: readonly FaultSort[] = [
  ...(['device-one-way', 'site-one-way', 'node-one-way'] as const),
  ...(['backend-one-way', 'store-one-way'] as const),
];
/** In this part the hub does not store everything. */
const REFUSALS_PART = 0.3;
/** In this part nodes read by consumers of the hub, which lose, vanish and fall silent. */
const CONSUMERS_PART = 0.2;
const CONSUMERS: readonly FaultSort[] = [
  ...(['consumer-loses', 'consumer-gone', 'consumer-silent'] as const),
];
/** In this part clocks of servers are farther from each other than they may be. */
const WRONG_CLOCKS_PART = 0.2;
/** In this part of those the hub's clock is one of them. */
const WRONG_HUB_PART = 0.5;
const WRONG_CLOCKS: readonly FaultSort[] = [...(['node-clock-wrong', 'store-clock-wrong'] as const)];
/** In this part sensors of devices break. */
const SENSORS_PART = 0.3;
/** In this part of all worlds some devices are stations behind a gateway that does not know, for a while, what they do. */
const GATEWAYS_PART = 0.4;

export function drawWeather(chance: Chance): Weather {
  // Drawn apart, so that the other draws are what they were before there were these.
  const gateways: FaultSort[] = chance.fork('gateways').hits(GATEWAYS_PART) ? ['gateway-undecided'] : [];
  const oneWay = chance.fork('one way').hits(ONE_WAY_PART) ? ONE_WAY : [];
  const refusals: FaultSort[] = chance.fork('refusals').hits(REFUSALS_PART) ? ['hub-refuses'] : [];
  const hasConsumers = chance.fork('consumers').hits(CONSUMERS_PART);
  const consumers = hasConsumers ? CONSUMERS : [];
  const hasWrongClocks = chance.fork('wrong clocks').hits(WRONG_CLOCKS_PART);
  const wrongHub: FaultSort[] =
    hasWrongClocks && chance.fork("hub's date").hits(WRONG_HUB_PART) ? ['hub-clock-wrong'] : [];
  const wrongClocks = hasWrongClocks ? [...WRONG_CLOCKS, ...wrongHub] : [];
  const sensors: FaultSort[] = chance.fork('sensors').hits(SENSORS_PART) ? ['sensor-broken'] : [];
  const drawnApart: readonly FaultSort[] = [
    ...(['gateway-undecided', 'hub-refuses', 'sensor-broken', 'hub-clock-wrong'] as const),
    ...ONE_WAY,
    ...CONSUMERS,
    ...WRONG_CLOCKS,
  ];
  const sorts = (Object.keys(FAULTS) as FaultSort[]).filter((sort) => !drawnApart.includes(sort));
  const share = chance.pick([0.15, 0.4, 0.7, 1]);
  const quality = chance.weighted({ good: 5, poor: 3, bad: 1 });
  const good: Quality = { usualMs: 40, longPart: 0, longMs: 0, lossPart: 0, doublePart: 0 };
  return {
    stormMs: chance.between(0.5, 3) * 3_600_000,
    nodes: chance.integer(2, 3),
    devices: chance.integer(1, 2),
    backends: chance.integer(1, 2),
    wishMs: chance.pick([20_000, 45_000, 120_000]),
    useMs: chance.pick([300_000, 1_200_000, Infinity]),
    sorts: [
      ...sorts.filter(() => chance.hits(share)),
      ...gateways,
      ...oneWay,
      ...refusals,
      ...consumers,
      ...wrongClocks,
      ...sensors,
    ],
    hasConsumers,
    hasWrongClocks,
    deviceQuality: quality === 'good' ? good : quality === 'poor' ? POOR : badQuality(chance),
    limits: {
      ...DEFAULT_LIMITS,
      leaseTtlMs: chance.pick([6_000, 15_000, 30_000]),
      acquireRetryMs: chance.pick([2_000, 8_000]),
      commitRetryMs: chance.pick([100, 1_000]),
      // A device is above its rate when it floods, or now and then as it is, or mostly.
      deviceRate: { perSecond: chance.pick([0.02, 0.1, 1]), burst: chance.pick([2, 10, 50]) },
      siteRate: { perSecond: chance.pick([0.2, 2_000]), burst: 10 },
      newestEveryMs: chance.pick([1_000, 30_000]),
      // Some reports in a frame are a buffer here: devices say little.
      backlogBytesMin: 300,
      backlogRangesMax: 3,
      deviceRangesMax: chance.pick([2, 8]),
      batchReportsMax: chance.pick([1, 3, 100]),
      mailboxMessagesMax: chance.pick([1, 10, 1_000]),
      mailboxRequestsMax: chance.pick([2, 1_000]),
      publishBacklogMax: chance.pick([2, 1_000]),
      waitersMax: chance.pick([1, 1_000]),
      idlePositionLagMax: chance.pick([5, 1_000]),
      serverErrorMs: chance.pick([0, 50, 250]),
      twinsResidentMax: chance.pick([1, 1_000]),
    },
  };
}
