/**
 * Text from devices, backends and servers, as it may be shown to people. A terminal obeys what it is shown: ESC and the C1 controls
 * set titles, write into the clipboard and delete lines, and bidirectional controls let one text be read as another.
 */

/**
 * What nobody sees as what it is: control, format, private and unassigned characters and halves of surrogate pairs (`\p{C}`); separators
 * of lines, and blanks that are not a space (`\p{Z}`); and what Unicode lets a reader ignore (fillers, variation selectors).
 */
const UNSEEN = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/**
 * One line of text in which everything can be seen: whatever has no shape of its own stands there as JSON would write it, `\n` or
 * `\u001b`. JSON stays the JSON it was. Blanks stay; newlines do not: who wants two lines has two texts.
 */
export function visibleText(text: string): string {
  return text.replaceAll(UNSEEN, spelled);
}

function spelled(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default:
      return character.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  }
}
