// Sends COUNT mails through nodemailer's pool of 20 connections, as its documentation shows.
// nodemailer_pool.cjs PORT COUNT, with the page as MAIL_HTML.
const nodemailer = require("nodemailer");

const [port, count] = process.argv.slice(2).map(Number);
const html = process.env.MAIL_HTML;
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
