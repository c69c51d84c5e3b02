/** Asks Corral about many devices: a few at a time, so that whoever else asks it is not kept waiting. */

const AT_A_TIME = 8;

/** Does `work` for each item, a few at a time; rejects with the first failure, once those under way have ended. */
export async function eachOf<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  const results = await Promise.allSettled(Array.from({ length: AT_A_TIME }, worker));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
