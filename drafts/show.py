import json,sys,base64
nb=json.load(open(sys.argv[1])); n=0
pic=0
for c in nb['cells']:
    if c['cell_type']=='code':
        n+=1
        for o in c['outputs']:
            if o['output_type']=='stream': print(f"[{n}] {o['name']}:", ''.join(o['text'])[:3000])
            elif o['output_type']=='error': print(f"[{n}] ERROR", o['ename'], o['evalue'], '\n'.join(o['traceback'])[-2000:])
            else:
                d=o['data']
                if 'text/markdown' in d: print(f"[{n}] md:\n"+''.join(d['text/markdown']))
                elif 'image/png' in d:
                    pic+=1; open(f"{sys.argv[2]}_{pic:02d}.png",'wb').write(base64.b64decode(''.join(d['image/png']))); print(f"[{n}] png {pic}")
                elif 'image/svg+xml' in d: print(f"[{n}] svg")
                elif 'text/html' in d: print(f"[{n}] html", ''.join(d['text/html'])[:80])
                else: print(f"[{n}]", ''.join(d.get('text/plain',''))[:500])
