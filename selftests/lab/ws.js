// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * WebSockets by the npm package ws, as a server and as a client.
 *
 *   ws.js serve PORT                   sends back what it gets; at the text "bye" it closes
 *   ws.js play URL HOST [CA]           a whole conversation; prints what came of each part
 *   ws.js hold URL HOST [CA]           a message each 50 ms until its input ends; prints how many came back
 *   ws.js rest URL HOST [CA]           says nothing; prints the code it is closed with
 */
"use strict";

const crypto = require("crypto");
const { once } = require("events");
const fs = require("fs");
const { WebSocket, WebSocketServer } = require("ws");

const LARGE = 1 << 20;

function serve(port) {
	const server = new WebSocketServer({ port: Number(port), maxPayload: 4 * LARGE }, () => console.log("ready"));

	server.on("connection", (socket) => {
		socket.on("message", (data, isBinary) => {
			if (!isBinary && String(data) === "bye")
				socket.close(4001, "as asked");
			else
				socket.send(data, { binary: isBinary });
		});
		socket.on("error", () => {});
	});
}

function connect(url, host, ca) {
	const options = { headers: { Host: host }, maxPayload: 4 * LARGE, handshakeTimeout: 10000 };

	if (ca)
		Object.assign(options, { ca: fs.readFileSync(ca), servername: host });
	return new WebSocket(url, "chat", options);
}

async function echoes(socket, data) {
	const answer = once(socket, "message");

	socket.send(data);
	const [got, isBinary] = await answer;
	return isBinary === Buffer.isBuffer(data) && Buffer.compare(Buffer.from(data), got) === 0;
}

async function play(url, host, ca) {
	const socket = connect(url, host, ca), result = {};

	await once(socket, "open");
	result.protocol = socket.protocol;
	result.text = await echoes(socket, "grüße");
	result.empty = await echoes(socket, "");
	result.large = true;
	for (let i = 0; i < 8; i++) // of bytes that nothing compresses
		result.large = (await echoes(socket, crypto.randomBytes(LARGE))) && result.large;
	const pong = once(socket, "pong");
	socket.ping("are you there?");
	result.pong = String((await pong)[0]);
	const closed = once(socket, "close");
	socket.send("bye");
	const [code, reason] = await closed;
	result.close = `${code} ${reason}`;
	console.log(JSON.stringify(result));
}

async function hold(url, host, ca) {
	const socket = connect(url, host, ca);
	let sent = 0, back = 0, ending = false;

	await once(socket, "open");
	socket.on("message", (data) => {
		back += String(data) === String(back);
		if (ending && back === sent)
			socket.close(1000);
	});
	const timer = setInterval(() => socket.send(String(sent++)), 50);
	process.stdin.resume();
	process.stdin.once("end", () => {
		clearInterval(timer);
		ending = true;
		socket.send(String(sent++));
	});
	console.log("ready");
	const [code] = await once(socket, "close");
	clearInterval(timer);
	console.log(JSON.stringify({ sent, back, code }));
	process.stdin.unref();
}

async function rest(url, host, ca) {
	const socket = connect(url, host, ca);

	await once(socket, "open");
	console.log((await once(socket, "close"))[0]);
}

const [verb, ...args] = process.argv.slice(2);
const verbs = { serve, play, hold, rest };

Promise.resolve(verbs[verb](...args)).catch((problem) => {
	console.log(String(problem));
	process.exit(1);
});
