// Sends COUNT mails through nodemailer's pool of 20 connections, as its documentation shows: nodemailer_pool.cjs PORT COUNT SIZE
const nodemailer = require("nodemailer");

const [port, count, size] = process.argv.slice(2).map(Number);
const paragraph = "<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.</p>\r\n";
const html = paragraph.repeat(Math.floor(size / paragraph.length));
const pool = nodemailer.createTransport({
  pool: true, host: "127.0.0.1", port, secure: false, ignoreTLS: true, maxConnections: 20, maxMessages: Infinity,
});
let next = 0;

async function lane() {
  while (next < count) {
    const number = next++;
    await pool.sendMail({
      from: "Fabrikam <news@fabrikam.test>", to: `r${number}@x.test`, subject: `News for ${number}`, html,
    });
  }
}

Promise.all(Array.from({ length: 20 }, lane)).then(() => pool.close());
