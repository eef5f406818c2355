"""Reading what a client handed in: from a file to a table of text for each input of the SOW.

``drop`` takes the file apart and gives each part to its reader; ``content`` looks at what it is, ``archive`` unpacks a
ZIP. Native parsers of foreign formats run in processes of their own, the modules ``…_child``. Nothing is imported here:
those processes have to start quickly.
"""
