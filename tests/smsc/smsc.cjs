// A message centre for the tests: SMPP on one port, its controls over HTTP on another. Prints both, as JSON, when ready.
// It ends when its standard input does, so that it never outlives the test. With the files of a key and a certificate as
// arguments it speaks TLS; a third argument is the address that it listens on.
const fs = require('fs');
const http = require('http');
const smpp = require('smpp');

const PASSWORD = 'secret';
const messages = [];
let mode = { status: 'ok', receipts: 'none' };
let session;
let binds = 0;
let enquiries = 0;

// A receipt as SMPP 3.4 has it: deliver_sm with the two parameters, and the text of appendix B.
function receipt(id, state) {
  const words = { 2: 'DELIVRD', 5: 'UNDELIV' };
  session.deliver_sm({
    esm_class: 4,
    source_addr: '12025550101',
    destination_addr: 'Stepgate',
    receipted_message_id: id,
    message_state: state,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611280000 done date:2611280000 stat:${words[state]} err:027 text:`,
  });
}

const [key, certificate, address = '127.0.0.1'] = process.argv.slice(2);
const tls = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(certificate) } : {};
const server = smpp.createServer(tls, (incoming) => {
  incoming.on('error', () => {});
  incoming.on('bind_transceiver', (pdu) => {
    if (pdu.password !== PASSWORD) {
      incoming.send(pdu.response({ command_status: smpp.ESME_RBINDFAIL }));
      return;
    }
    binds += 1;
    session = incoming;
    incoming.send(pdu.response({ system_id: 'smsc' }));
  });
  incoming.on('submit_sm', (pdu) => {
    if (mode.status !== 'ok') {
      incoming.send(pdu.response({ command_status: Number(mode.status) }));
      return;
    }
    const id = `m${messages.length + 1}`;
    messages.push({
      id,
      to: pdu.destination_addr,
      from: pdu.source_addr,
      text: pdu.short_message.message,
      validity: pdu.validity_period && String(pdu.validity_period.toISOString ? pdu.validity_period.toISOString() : pdu.validity_period),
      registered_delivery: pdu.registered_delivery,
      ton: pdu.dest_addr_ton,
    });
    // Faster than its own answer, where the test wants it so.
    if (mode.receipts === 'early') receipt(id, 2);
    incoming.send(pdu.response({ message_id: id }));
    if (mode.receipts === 'delivered') receipt(id, 2);
    if (mode.receipts === 'failed') receipt(id, 5);
  });
  incoming.on('enquire_link', (pdu) => {
    enquiries += 1;
    incoming.send(pdu.response());
  });
  incoming.on('unbind', (pdu) => incoming.send(pdu.response()));
});

const control = http.createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    const given = body ? JSON.parse(body) : {};
    if (request.url === '/mode') mode = { ...mode, ...given };
    if (request.url === '/receipt') receipt(given.id, given.state);
    if (request.url === '/drop' && session) session.destroy();
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ messages, binds, enquiries }));
  });
});

server.listen(0, address, () => {
  control.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ smpp: server.address().port, control: control.address().port }));
  });
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
