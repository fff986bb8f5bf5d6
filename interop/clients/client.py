# Reads a stream with the standard library: python3 client.py <url> <messages>
import json
import sys
import urllib.request

url, count = sys.argv[1], int(sys.argv[2])
request = urllib.request.Request(url, headers={"Accept": "application/x-ndjson"})
with urllib.request.urlopen(request) as response:
    print("ready", flush=True)
    for line in response:
        if not line.strip():
            continue
        event = json.loads(line)
        if "message" in event:
            print("got", event["message"], flush=True)
            count -= 1
            if count == 0:
                break
try:
    with urllib.request.urlopen(request) as response:
        print("again", flush=True)
        response.read()
        print("ended", flush=True)
except Exception as error:
    print("cut", type(error).__name__, flush=True)
