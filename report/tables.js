/* Sorting and filtering of the tables marked data-sort. Without this script the page has everything but these. */
(() => {
  'use strict';
  const value = (row, i) => {
    const cell = row.cells[i];
    return 'v' in cell.dataset ? BigInt(cell.dataset.v) : cell.textContent.trim();
  };
  const compare = (a, b) => {
    if (typeof a === 'bigint' && typeof b === 'bigint') return a < b ? -1 : a > b ? 1 : 0;
    return String(a).localeCompare(String(b), 'en', { numeric: true });
  };
  const status = document.createElement('p');
  status.className = 'quiet';
  status.setAttribute('role', 'status');
  document.body.append(status);

  const sort = (table, head, i) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const numbers = rows.length > 0 && 'v' in rows[0].cells[i].dataset;
    const before = head.getAttribute('aria-sort');
    const down = before ? before === 'ascending' : numbers;
    rows.sort((a, b) => (down ? -1 : 1) * compare(value(a, i), value(b, i)));
    body.append(...rows);
    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    status.textContent = `Sorted by ${head.textContent}, ${down ? 'descending' : 'ascending'}`;
  };

  const filter = (table, words) => {
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !row.textContent.toLowerCase().includes(words);
      shown += row.hidden ? 0 : 1;
    }
    return shown;
  };

  for (const table of document.querySelectorAll('table[data-sort]')) {
    const rows = table.tBodies[0].rows.length;
    if (rows < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      button.addEventListener('click', () => sort(table, head, i));
      head.append(button);
    });
    if (rows < 6) continue;
    const label = document.createElement('label');
    const input = document.createElement('input');
    const found = document.createElement('span');
    label.className = 'filter';
    label.append('Filter rows ', input, found);
    input.setAttribute('aria-label', `Filter rows: ${table.caption.textContent}`);
    input.type = 'search';
    input.autocomplete = 'off';
    found.setAttribute('role', 'status');
    input.addEventListener('input', () => {
      const shown = filter(table, input.value.trim().toLowerCase());
      found.textContent = input.value === '' ? '' : ` ${shown} of ${rows} rows`;
    });
    table.closest('.scroll').before(label);
  }

  /* Paper shows everything. */
  let closed = [];
  window.addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('details:not([open])')];
    for (const one of closed) one.open = true;
  });
  window.addEventListener('afterprint', () => {
    for (const one of closed) one.open = false;
  });
})();
