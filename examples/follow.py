#!/usr/bin/env python3
"""Keeps a copy of every order in a folder, one file each: a consumer in Python's standard library, by JSON Feed and its links.

    examples/follow.py http://localhost:8080/order/feed copies

Kill it at any moment and start it again. Each file is written whole or not at all, and the cursor only after the orders of its
document: so nothing is lost, and what is done twice comes to the same.
"""
import http.client, json, os, sys, time, urllib.request

feed, folder = sys.argv[1:]
os.makedirs(folder, exist_ok=True)

def get(url):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "application/json"}), timeout=30) as answer:
        document = json.load(answer)
    return document, document["_msatom"]["links"], document["items"][::-1]  # oldest first

def keep(name, content):
    with open(os.path.join(folder, ".new"), "w") as file:
        json.dump(content, file)
    os.replace(file.name, os.path.join(folder, name))

def poll(cursor):
    document, links, items = get(feed)
    if document["_msatom"]["epoch"] != cursor["epoch"]:  # another log: start again
        cursor = {"epoch": document["_msatom"]["epoch"], "position": 0}
    while items and items[0]["_msatom"]["position"] > cursor["position"] + 1:
        document, links, items = get(links["prev-archive"])
    while items:
        for event in (item["_msatom"] for item in items if item["_msatom"]["position"] > cursor["position"]):
            keep(f'{event["subject"]}.json', event["snapshot"])
        cursor["position"] = max(cursor["position"], items[-1]["_msatom"]["position"])
        keep("cursor", cursor)
        items = []
        if "next-archive" in links:
            document, links, items = get(links["next-archive"])
    return cursor

cursor = {"epoch": "", "position": 0}
if os.path.exists(os.path.join(folder, "cursor")):
    cursor = json.load(open(os.path.join(folder, "cursor")))
while True:
    try:
        cursor = poll(cursor)
    except (OSError, http.client.HTTPException) as error:  # not there, or not now
        print(error, file=sys.stderr)
    time.sleep(2)
