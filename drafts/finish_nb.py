"""finish_nb.py executed target run...: strip, fix links, copy made files to outputs/<run>"""
import sys, re, json, shutil
from pathlib import Path
src, dst, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
root=Path('/work/main')
nb=json.loads(src.read_text())
for c in nb['cells']:
    c['metadata']={}
    if c['cell_type']=='code':
        outs=[]
        for o in c['outputs']:
            if o.get('output_type')=='stream' and o.get('name')=='stderr': continue
            o.pop('transient',None)
            if 'metadata' in o: o['metadata']={}
            outs.append(o)
        c['outputs']=outs
nb['metadata']={"kernelspec":{"display_name":"Python 3","language":"python","name":"python3"},"language_info":{"name":"python","version":"3.11.7"}}
text=json.dumps(nb,indent=1,ensure_ascii=False)+"\n"
for n in names:
    text=text.replace(f'href=\\"../outputs/local/{n}/', f'href=\\"../outputs/{n}/')
    d=root/'outputs'/'local'/n
    if d.is_dir():
        (root/'outputs'/n).mkdir(exist_ok=True)
        for f in d.iterdir():
            if f.suffix in ('.mp3','.mid','.png','.svg'): shutil.copy(f, root/'outputs'/n/f.name)
dst.write_text(text); print(len(text), text.count('outputs/local/'))
