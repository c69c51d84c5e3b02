import type { Checker, Flaw } from './checker.ts';

/** When nothing is broken any more, everything becomes right by itself. */
export const calm: Checker = {
  name: 'calm',
  sentence: 'once everything works again no doubt is left, and every device does what it is told',
  check: ({ store, exam, truth, endedAt }) => {
    const flaws: Flaw[] = [];
    for (const device of truth.keys()) {
      const twin = store.twins.get(device);
      const left = {
        suspicions: twin?.suspicions.map(({ reason, detail }) => `${reason}: ${detail}`) ?? ['never heard'],
        open: twin?.open.map(({ id, outcome }) => `${id} ${outcome}`) ?? [],
        waiting: twin?.waiting.map(({ id }) => id) ?? [],
        isBounded: (twin?.clock?.earliest ?? null) !== null,
      };
      const isCalm = left.suspicions.length + left.open.length + left.waiting.length === 0 && left.isBounded;
      if (!isCalm) flaws.push({ at: endedAt, device, text: `in the end ${JSON.stringify(left)}` });
      const answers = exam.filter((answer) => answer.device === device);
      if (answers.length === 0)
        flaws.push({ at: endedAt, device, text: 'nobody answered for it in the end' });
      for (const { name, concluded } of answers) {
        if (concluded === 'done') continue;
        flaws.push({ at: endedAt, device, text: `told to ${name} in the end: ${concluded}` });
      }
    }
    return flaws;
  },
};
